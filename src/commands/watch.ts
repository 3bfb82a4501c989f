import { matchesGlob } from '../glob.ts';
import type { WatchEvent } from '../watch/event.ts';
import { identify } from '../watch/identify.ts';
import { Teller } from '../watch/teller.ts';
import { startWatching } from '../watch/thread.ts';
import type { Register } from './command.ts';

/** How events are shown. */
export interface WatchView {
  show(event: WatchEvent): void;
  close(): Promise<void>;
}

export const registerWatch: Register = (program, session) => {
  program
    .command('watch')
    .argument('[reader]', 'only readers whose name matches this glob')
    .description('who connects to, takes and lets go of readers, as it happens; no connect to any')
    .option('--json', 'one JSON document a line, as into a pipe')
    .addHelpText('after', '\nEnds with Ctrl-C. While it runs, pcscd does not end itself for want of clients.')
    .action(async (glob, _, command) => {
      const { json } = command.optsWithGlobals() as { json?: boolean };
      const view = await viewFor(json === true);
      const teller = new Teller({ identify, now: Date.now }, (event) => {
        const wanted = filtered(event, glob);
        if (wanted !== null) view.show(wanted);
      });
      const watching = startWatching((difference, at) => teller.tell(difference, at));
      session.onInterrupt(async () => {
        await watching.end();
        await teller.done();
        await view.close();
      });
      await watching.finished;
      // The handler of the signal ends the process, with the exit code of that signal.
      await new Promise(() => {});
    });

  async function viewFor(json: boolean): Promise<WatchView> {
    const { stdout, env } = process;
    const isLive = !json && stdout.isTTY === true && !env.CI && env.TERM !== 'dumb';
    if (!isLive) return { show: (event) => void session.print(`${JSON.stringify(event)}\n`), close: async () => {} };
    const { watchView } = await import('../report/ink/Watch.tsx');
    return watchView();
  }
};

/** null: about a reader that is not asked for. */
function filtered(event: WatchEvent, glob: string | undefined): WatchEvent | null {
  if (glob === undefined) return event;
  if (event.event === 'begin') return { ...event, readers: event.readers.filter(({ name }) => matchesGlob(glob, name)) };
  return !('reader' in event) || event.reader === null || matchesGlob(glob, event.reader) ? event : null;
}
