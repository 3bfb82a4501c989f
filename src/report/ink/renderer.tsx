import { render } from 'ink';
import type { Progress } from '../../collect/progress.ts';
import type { Session } from '../../commands/command.ts';
import type { Detail } from '../document.ts';
import type { Renderer } from '../renderer.ts';
import type { Line } from '../layout.ts';
import type { Style } from '../style.ts';
import { reportLines } from '../text.ts';
import { ended } from './ended.ts';
import { Screen } from './screen.tsx';

/** A live list of steps while facts are collected, then the same lines as the text renderer's, left in the scrollback. */
export function inkRenderer(detail: Detail, style: Style, session: Session): Renderer {
  const steps = new Map<string, Step>();
  let report: Line[] | null = null;
  const screen = () => <Screen steps={[...steps.values()]} rows={process.stdout.rows} report={report} style={style} />;
  const app = render(screen(), { exitOnCtrlC: false, patchConsole: false });
  // Ink hides the cursor while it draws and gives it back when it is unmounted.
  session.onInterrupt(() => app.unmount());
  return {
    progress(progress: Progress) {
      const since = steps.get(progress.step)?.since ?? Date.now();
      steps.set(progress.step, { ...progress, since });
      app.rerender(screen());
    },
    async show(finished) {
      report = reportLines(finished, detail, style);
      app.rerender(screen());
      await ended(app);
    },
  };
}

export interface Step extends Progress {
  /** Milliseconds since the epoch. */
  since: number;
}
