/** Characters of a sentence, or of the next one, in which people say whether something helped. */
const BEHIND = 160;
const BEFORE = 40;

/** In front of what was tried. */
const NEITHER = /\b(?:neither|nor|no amount of|not even)\b[^.]*$/i;
const VAIN =
  /\bto no avail\b|\bin vain\b|\bno (?:luck|success|effect|change|difference|help|dice)\b|\bwithout (?:any )?(?:luck|success|effect|result)\b|\b(?:did|do|does)(?:n['’]?t| not) (?:seem to )?(?:help|work|fix|solve|resolve|change|do anything|make (?:a|any) difference)\b(?! (?:until|unless|without|except|before))|\b(?:nothing|none|neither|nor)\b[^.]{0,30}\b(?:help|work|fix|chang|solv)\w*|\bchang(?:es|ed) nothing\b|\bnot (?:helped|worked|fixed|solved)\b|\bstill (?:fails?|no|not|the same|doesn['’]?t|does not|can['’]?t|cannot|getting the same)\b|\bsame (?:error|result|issue|problem)\b/i;

/** Whether what a text tells at a place is said not to have helped. */
export const inVain = (text: string, at: number): boolean => NEITHER.test(text.slice(Math.max(0, at - BEFORE), at)) || VAIN.test(text.slice(at, at + BEHIND));
