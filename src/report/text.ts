import { type Detail, reportDocument } from './document.ts';
import { type Block, layout, type Line } from './layout.ts';
import type { Report } from './schema.ts';
import { paint, type Style } from './style.ts';

/** The report's lines at this width: what every renderer for eyes prints. */
export function reportLines(report: Report, detail: Detail, style: Style): Line[] {
  return layout(reportDocument(report, detail, style.width), style);
}

export function renderText(report: Report, detail: Detail, style: Style): string {
  return renderBlocks(reportDocument(report, detail, style.width), style);
}

export function renderBlocks(blocks: readonly Block[], style: Style): string {
  return layout(blocks, style).map((line) => `${paintLine(line, style.colors)}\n`).join('');
}

export function paintLine(line: Line, colors: boolean): string {
  return line.map((part) => paint(part, colors)).join('').trimEnd();
}
