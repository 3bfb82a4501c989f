import { Terminal } from '@xterm/headless';

/** What a terminal of this size shows, scrollback included, after these bytes. */
export async function terminalText(bytes: string, columns = 80, rows = 24): Promise<string> {
  const terminal = new Terminal({ cols: columns, rows, scrollback: 5000, allowProposedApi: true, convertEol: true });
  await new Promise<void>((resolve) => terminal.write(bytes, resolve));
  const { buffer } = terminal;
  const lines = Array.from({ length: buffer.active.length }, (_, y) => buffer.active.getLine(y)?.translateToString(true) ?? '');
  terminal.dispose();
  return lines.join('\n').trimEnd();
}
