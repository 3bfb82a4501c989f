import { plain, type Sign } from '../sign.ts';

/** What people tell of more than one gpg, and of cures that do not last. */
export const againSigns: readonly Sign[] = [
  // It helps until the session is started again: what starts with it takes the card.
  plain(
    'story',
    { name: 'cure-until-boot' },
    ['temporar', 'current boot', 'every boot', 'each boot', 'next boot', ' reboot', ' login', ' log in', ' session'],
    /\bonly temporar\w+|\b(?:fix|work|help|solv)\w*\b[^.]{0,40}\btemporar\w+|\btemporar\w+ (?:fix|work|help|solv)\w*|\b(?:fix|work|help|solv|restart|do (?:this|that|it))\w*\b[^.]{0,60}\b(?:at|after|on|until|for|with) (?:each|every|the next|the current|this) (?:boot|reboot|log-?in|session)\b/i,
  ),
  plain('story', { name: 'other-home-told' }, ['GNUPGHOME', '--homedir', 'home dir', 'homedir', 'temp dir', 'temporary dir'], /\bGNUPGHOME\b|--homedir[ =]|\b(?:temp(?:orary)?|other|different|separate|second|another) (?:gnupg )?home ?dir|\b(?:gpg|gnupg|scdaemon)\b[^.]{0,60}\btemp(?:orary)? dir/i),
  plain(
    'story',
    { name: 'second-scdaemon-told' },
    ['scdaemon', 'gpg-agents', ' gpg-agent'],
    /\b(?:another|second|other|two|several|multiple|more than one|competing|leftover|stray|orphan\w*) (?:running )?(?:instances? of )?(?:scdaemon|gpg-agent)s?\b|\bnew scdaemon\b|\bscdaemon\b[^.]{0,40}\b(?:spawned|started|running) (?:against|for|with|in|under) (?:the |an? )?(?:temp\w*|other|different|another|old|second)\b/i,
  ),
  plain(
    'story',
    { name: 'scdaemon-stale-told' },
    [' stale', ' stuck', 'borked', 'wedged', 'bad state', 'weird state', 'out of sync'],
    /\b(?:scdaemon|gpg2?|gpg-agent|openpgp|card (?:connection|session))\b[^.]{0,60}\b(?:stale|stuck|borked|wedged|(?:bad|weird|strange|broken) state|out of sync)\b|\b(?:stale|stuck|borked|wedged) (?:scdaemon|gpg-agent|card (?:connection|session))/i,
  ),
  // macOS offers the certificates of a PIV card to the whole system, and holds the card for that.
  plain('story', { name: 'piv-certificate-told' }, ['certificate', ' cert in', ' cert to', ' cert on', 'PIV cert'], /\b(?:cert(?:ificate)?s?)\b[^.]{0,40}\b(?:PIV|slot 9[acde])\b|\b(?:PIV|slot 9[acde])\b[^.]{0,40}\b(?:cert(?:ificate)?s?)\b/i),
];
