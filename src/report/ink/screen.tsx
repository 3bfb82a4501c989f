import { Box, Static, Text } from 'ink';
import { useEffect, useState } from 'react';
import { cells, type Line } from '../layout.ts';
import { SLOW_MS } from '../renderer.ts';
import { paint, spellAscii, type Style, type Tone } from '../style.ts';
import { paintLine } from '../text.ts';
import type { Step } from './renderer.tsx';

interface ScreenProps {
  steps: readonly Step[];
  /** Of the terminal. */
  rows: number;
  /** null: not finished yet. */
  report: readonly Line[] | null;
  style: Style;
}

export function Screen({ steps, rows, report, style }: ScreenProps) {
  if (report === null) return <Steps steps={steps} rows={rows} style={style} />;
  return <Static items={[...report]}>{(line, index) => <ReportLine key={index} line={line} colors={style.colors} />}</Static>;
}

/** One line, as wide as it is: the terminal may break a long command, we must not, or it could not be copied. */
function ReportLine({ line, colors }: { line: Line; colors: boolean }) {
  const width = line.reduce((sum, { text }) => sum + cells(text), 0);
  return (
    <Box width={Math.max(1, width)} height={1} flexShrink={0}>
      <Text>{paintLine(line, colors)}</Text>
    </Box>
  );
}

const spinner = { unicode: ['⠋', '⠙', '⠹', '⠸', '⠼', '⠴', '⠦', '⠧', '⠇', '⠏'], ascii: ['|', '/', '-', '\\'] };
const FRAME_MS = 100;

/** Lines that are enough to see what is going on. */
const MOST_STEPS = 8;

/**
 * What is under way, the longest first. Ink clears the terminal, scrollback and all, when a frame is as high as the
 * terminal, so it never is.
 */
function Steps({ steps, rows, style }: Omit<ScreenProps, 'report'>) {
  const [frame, setFrame] = useState(0);
  useEffect(() => {
    const timer = setInterval(() => setFrame((n) => n + 1), FRAME_MS);
    return () => clearInterval(timer);
  }, []);
  const running = steps.filter(({ state }) => state === 'running').sort((a, b) => a.since - b.since);
  const frames = style.ascii ? spinner.ascii : spinner.unicode;
  return (
    <Box flexDirection="column">
      {running.slice(0, Math.min(MOST_STEPS, rows - 2)).map((step) => (
        <StepLine key={step.step} step={step} sign={frames[frame % frames.length] as string} style={style} />
      ))}
    </Box>
  );
}

function StepLine({ step, sign, style }: { step: Step; sign: string; style: Style }) {
  const elapsed = Date.now() - step.since;
  const show = (text: string, tone: Tone) => paint({ text: style.ascii ? spellAscii(text) : text, tone }, style.colors);
  return (
    <Text wrap="truncate">
      {show(sign, 'info')} {elapsed > SLOW_MS ? show(`${(elapsed / 1000).toFixed(0)} s, still waiting: ${step.waitsFor}`, 'strong') : show(step.step, 'plain')}
    </Text>
  );
}
