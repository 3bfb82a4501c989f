import { type Code, codes } from '../../checks/codes.ts';
import type { CodeRow } from '../check.ts';
import { type Block, blank, prose, token } from './layout.ts';
import { marks } from './style.ts';

/** The long text of a code. */
export function codeDocument(code: Code): Block[] {
  const { id, severity, layer, title, why, price, wrongCure, sources, explainOnly }: CodeRow<never> = codes[code];
  const { symbol, tone } = marks[severity];
  const section = (heading: string, text: string | null): Block[] => (text === null || text === '' ? [] : [blank, prose(0, [token(heading, 'strong')]), prose(2, [text])]);
  return [
    prose(0, [token(`${symbol} ${severity}`, tone), '  ', token(`${code} ${title}`, 'strong')], 2),
    prose(2, [token(`${id}, ${layer === null ? 'about cardcheck itself' : `layer ${layer}`}`, 'faint')]),
    ...section('What happens and why', why),
    ...section('What the cure costs', price),
    ...section('What does not help', wrongCure),
    ...section('Why no look at a machine finds it', explainOnly ?? null),
    ...(sources.length === 0 ? [] : [blank, prose(0, [token('Sources', 'strong')]), ...sources.map((source) => prose(2, [`- ${source}`], 4))]),
  ];
}
