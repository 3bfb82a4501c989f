import type { OnProgress } from '../collect/progress.ts';
import type { Session } from '../commands/command.ts';
import type { OutputOptions } from '../options.ts';
import { writeWhole } from '../snapshot/save.ts';
import { renderJson } from './json.ts';
import type { Report } from './schema.ts';
import { styleFor } from './style.ts';
import { renderText } from './text.ts';

/** Shows what happens while a report is made, and the report. */
export interface Renderer {
  progress: OnProgress;
  show(report: Report): Promise<void>;
}

/** A step that takes longer than this, in ms, is named. */
export const SLOW_MS = 1000;

/** A terminal that does not say how high it is counts as one without rows. */
const LEAST_ROWS = 5;

/** The renderer the options and the terminal call for. Ink draws on a terminal only: into a pipe it would write its erase sequences. */
export async function rendererFor(options: OutputOptions, session: Session): Promise<Renderer> {
  if (options.format === 'json') return jsonRenderer(options, session);
  const { stdout, env } = process;
  const isTTY = stdout.isTTY === true && options.output === null;
  const style = styleFor({ ...options, isTTY, columns: stdout.columns, env });
  if (options.format !== 'text' && isTTY && !env.CI && env.TERM !== 'dumb' && stdout.rows >= LEAST_ROWS) {
    const { inkRenderer } = await import('./ink/renderer.tsx');
    return inkRenderer(options.detail, style, session);
  }
  return {
    progress: namesSlowSteps(session),
    async show(report) {
      await put(renderText(report, options.detail, style), options, session);
    },
  };
}

function jsonRenderer(options: OutputOptions, session: Session): Renderer {
  return {
    progress: namesSlowSteps(session),
    async show(report) {
      await put(renderJson(report), options, session);
    },
  };
}

async function put(text: string, { output }: OutputOptions, session: Session): Promise<void> {
  if (output === null) return session.print(text);
  await writeWhole(output, text, 0o644);
}

/** Without a live display: says on stderr what a slow step waits for, where somebody looks. */
function namesSlowSteps(session: Session): OnProgress {
  const waiting = new Map<string, NodeJS.Timeout>();
  return ({ step, state, waitsFor }) => {
    clearTimeout(waiting.get(step));
    if (state === 'running' && process.stderr.isTTY === true) waiting.set(step, setTimeout(() => session.warn(`still waiting: ${waitsFor}`), SLOW_MS).unref());
  };
}
