import { Writable } from 'node:stream';
import { render } from 'ink';
import { describe, expect, test } from 'vitest';
import type { Detail } from '../../src/report/document.ts';
import { ended } from '../../src/report/ink/ended.ts';
import { Screen } from '../../src/report/ink/screen.tsx';
import type { Report } from '../../src/report/schema.ts';
import type { Style } from '../../src/report/style.ts';
import { renderText, reportLines } from '../../src/report/text.ts';
import { conflictReport, heldFinding, soundReport } from '../support/report.ts';
import { terminalText } from '../support/terminal.ts';

/** What Ink leaves on a terminal of so many columns. */
async function drawn(report: Report, detail: Detail, style: Style, columns: number): Promise<string> {
  const written: string[] = [];
  const stdout = Object.assign(new Writable({ write: (chunk, _, done) => (written.push(String(chunk)), done()) }), { columns, rows: 50, isTTY: true });
  const app = render(<Screen steps={[]} rows={50} report={reportLines(report, detail, style)} style={style} />, { stdout: stdout as unknown as NodeJS.WriteStream, patchConsole: false });
  await ended(app);
  return terminalText(written.join(''), 400, 200);
}

test('an app that has ended leaves no listener on the process', async () => {
  const before = process.listenerCount('beforeExit');
  await drawn(soundReport(), 'verdict', { width: 80, colors: false, ascii: false }, 80);
  expect(process.listenerCount('beforeExit')).toBe(before);
});

const longCommand = `gpg-connect-agent --no-autostart ${'x'.repeat(150)} /bye`;
const withLongCommand = conflictReport({ findings: [{ ...heldFinding, remedies: [{ title: 'run this', kind: 'now', commands: [longCommand], edits: [], price: null }] }] });

describe('Ink says the same as text', () => {
  const reports: [string, Report][] = [['a conflict', conflictReport()], ['nothing wrong', soundReport()], ['a command longer than the terminal', withLongCommand]];
  const details: Detail[] = ['verdict', 'normal', 'all'];
  for (const [name, report] of reports) {
    for (const detail of details) {
      test.each([40, 80, 100])(`${name}, ${detail}, %i columns`, async (width) => {
        for (const colors of [true, false]) {
          const style = { width, colors, ascii: false };
          expect(await drawn(report, detail, style, width)).toBe(renderText(report, detail, { ...style, colors: false }).trimEnd());
        }
      });
    }
  }
});
