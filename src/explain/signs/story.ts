import { plain, type Sign } from '../sign.ts';
import { roleSaidToHold } from './programs.ts';
import { scdaemonOptions } from './scdaemon.ts';
import { inVain } from './vain.ts';

const CURED = /\b(?:fix(?:es|ed)?|solv(?:es|ed)|help(?:s|ed)|cur(?:es|ed)|works?(?: again| now| fine)?|worked|resolv(?:es|ed)|did the trick|necess\w+|need(?:s|ed)|required|need to|enough|workaround)\b/i;
/** "It works, but": then it did not. */
const ONLY_HALF = /\bbut\b[^.]{0,30}\bnot\b|n't (?:really |fully )?(?:help|work|solve|fix)/i;
/** "Does not show when pcscd is not running": then it is the missing daemon that fails. */
const FAILS_WITHOUT_PCSCD = /(?:\bnot|n't|fails?|nothing|no)\b[^.]{0,60}\b(?:if|when|because|unless)\b[^.]{0,20}pcscd\W[^.]{0,20}not running/i;
const STOPPED_PCSCD = /(?:make|making|made) sure (?:that )?pcscd[^.]{0,100}not running|(?:when|if|while|as long as|only|once) (?:the )?pcscd(?:\.service|\.socket)?[^.]{0,100} (?:is|are) (?:not running|stopped|disabled|masked|killed)|(?:stop|stopping|stopped|disabl\w+|kill(?:ing|ed)?|mask(?:ing|ed)?)\s+(?:the )?pcscd\b[^.]{0,100}(?:work|fix|help|solv|again|fine)|(?:work|fix|help|solv)[^.]{0,100}(?:by|after|when|if)[^.]{0,100}(?:stopp|disabl|kill|mask)\w*\s+(?:the )?pcscd/i;
/** Said of which reader gpg works with. */
const WRONG_READER = /wrong (?:smart ?card )?reader|\b(?:us(?:es?|ing)|looks? (?:for|at)|picks?|chooses?|selects?|opens?|tries|takes?)\b[^.]{0,30}\bwrong (?:slot|interface)\b|\b(?:us(?:e|es|ed|ing)\b|pick|choos|select|try|tries|contact|look|find|access|talk)[^.]{0,100}(?:first|internal(?! (?:CCID )?driver)|built-?in(?! (?:CCID )?driver)|broadcom|alcor|laptop'?s|other)[^.]{0,100}\b(?:reader|card)\b[^.]{0,100}(?:instead|though|although|rather|not|only|even)|(?:internal|built-?in)[^.]{0,100}reader[^.]{0,100}(?:first|instead)|\b(?:assum|tak|pick|us(?:e|es|ed|ing)\b|choos)[^.]{0,100}\bfirst (?:smart ?card )?reader\b|(?:scdaemon|gpg2?|program)\b[^.]{0,100}\b(?:contact|tr(?:y|ies)|opens?|uses?|using)\b[^.]{0,100}\b(?:broadcom|alcor|(?:built-?in|internal)(?! (?:CCID )?driver))\b/i;

/** Run as root: not what only root can do at all, services, modules and packages. */
const AS_ROOT = '\\bsudo(?! (?:-\\w )?(?:systemctl|service|rc-service|launchctl|p?kill|killall|modprobe|rmmod|apt|apt-get|dnf|yum|pacman|zypper|snap|udevadm|usermod|reboot)\\b)';

/** What people tell beside the logs: when it fails, what helps. Hints, never proofs. */
export const storySigns: readonly Sign[] = [
  plain('story', { name: 'hangs' }, ['hung there', 'blocks forever', 'freezes', ' stuck ', 'hanging', 'never returns', 'unable to launch', 'does not respond', 'not responding', 'no output', 'locks up', 'lock up', 'locked up'], /hang(?:s|ing)|\block(?:s|ed)? up\b|hung|freez|block(?:s|ed) forever|never returns|unable to launch|stuck(?! in (?:an?|this|that|some) (?:\w+ )?state)|no output|not respond(?!ing to (?:an? (?:reset|ATR)|setup))/i),
  plain('story', { name: 'hangs' }, [' hangs ', ' hangs.', ' hangs,', ' hang on', 'it hung ', 'will hang', 'just hang']),
  plain('story', { name: 'polled' }, [' blinks', 'blinking', 'flashing', 'flashes', 'periodically', 'constantly', 'every second', 'every few seconds', 'very slow', 'lights up', 'quite often', 'repeatedly', 'continuously', 'slows down', 'slow down', 'slowing', 'sluggish', 'CPU usage', 'CPU load', 'high CPU', 'processor load'], /slow(?:s|ing)? (?:\w+ ){0,2}down|sluggish|(?:high|100 ?%) CPU|CPU (?:usage|load)|processor load|(?<!\bnot |n't |\bno |\bnever |\bwithout )(?:blink|flash(?:ing|es))|periodical|constant|every (?:few )?seconds?|very slow|often|repeated|continuous|lights up/i),
  plain('story', { name: 'after-sleep' }, ['suspend', ' resume', 'resumed', 'resuming', 'hibernat', 'wake up', 'wakes up', 'wake-up', ' waking', 'lid close', ' sleep', ' asleep', '/sleep', 'sleep/', '/resume'], /^(?!.*(?:\b(?:not|no longer think)\b|n't)[^.]{0,20}\b(?:something about|about|related to|due to|caused by|because of|to do with|a matter of)\b[^.]{0,30}(?:suspend|sleep|wak|resum)).*(?:(?:after|from|upon|on|when|while|following|to|of|every|each)\s+(?:\w+\s+){0,4}(?:suspend|resum|hibernat|sleep|wak(?:e|ing)|lid)|asleep|suspend(?:ing)? and resum|sleep[\/-]wake|suspend[\/-]resume)/i),
  plain('story', { name: 'after-upgrade' }, ['upgrade', 'upgrading', 'updating', 'updated from', 'dist-upgrade', 'after update', 'after the update', 'broken in', 'broken on', 'broken with', 'broken since'], /(?:after|since|following)[^.]*(?:upgrad|updat)|upgrad\w+ (?:to|from)|updated from (?:\S+ ){1,4}to |stopped working after|\bbroken (?:in|on|with|since) (?:\w+ ){0,3}v?\d/i),
  plain('story', { name: 'closing-cures' }, ['close the', 'closing ', 'quit the', 'quitting', 'as soon as', 'is running', 'while running', 'is open', 'exit the'], /(?:close|closing|quit(?:ting)?|exit(?:ing)?|stop(?:ping)?)\s+\w[^.]*(?:work|fix|help|function|again|solv)|(?:while|when|if)\s+[^.]*is (?:running|open|started)/i),
  plain(
    'story',
    { name: 'closing-cures' },
    ['without ', ' close it', ' closed', ' closes', ' quit ', ' running', 'disable ', 'disabling', 'killing', 'restart '],
    /^(?:.*\b)?without (?!sudo|root|any|luck|success)\w[\w ]{1,30}(?:everything|it|all|gpg|things?)? ?(?:\w+ )?works?|(?:only )?when \w[\w ]{1,30} is (?:not running|closed)|after (?:closing|quitting|disabling) |as soon as (?:I|you) (?:close|quit|stop|exit)|if I (?:close|quit|stop) /i,
  ),
  // gpg's own driver gets the reader once pcscd lets go: an experiment that tells.
  {
    kind: 'story',
    needles: ['pcscd is', 'stop pcscd', 'stopping pcscd', 'stopped pcscd', 'disable pcscd', 'disabling pcscd', 'kill pcscd', 'killing pcscd', 'mask pcscd', 'pcscd.s'],
    pattern: STOPPED_PCSCD,
    see: (_, text) => (FAILS_WITHOUT_PCSCD.test(text) ? null : { name: 'stopping-pcscd-cures' }),
  },
  {
    kind: 'story',
    needles: scdaemonOptions,
    pattern: new RegExp(`(${scdaemonOptions.join('|')})`, 'i'),
    see: (match, text) => (CURED.test(text) && !ONLY_HALF.test(text) ? { name: 'option-cures', option: (match[1] as string).toLowerCase() } : null),
  },
  plain('story', { name: 'cure-told' }, ['solution', 'solved', ' fixed', 'fixes ', 'resolved', 'workaround', 'was missing', 'needed to', 'had to add', 'have to add', 'by adding', 'the trick', 'does help', 'helped', '解決', '解消', '対策', '解决', 'gelöst', 'Lösung', 'behoben', 'geholfen', 'résolu', 'solución', 'solucion', 'решен', 'помогло'], /解[決消决]|対策|gelöst|Lösung|behoben|geholfen|résolu|solución|решен|помогло|solution|solved|fix(?:ed|es)\b|resolved|workaround|what was missing|(?:needed|had|have) to (?:add|set|create|use|edit)|by adding|did the trick|help(?:ed|s)\b/i),
  plain('story', { name: 'pin-asked-again' }, ['PIN prompt', ' my PIN', 'the PIN', 'for PIN', 'for a PIN', ' PIN again', 'PIN every', 'enter PIN', 'asks PIN', ' its PIN', 'your PIN'], /PIN[^.]*(?:again|(?:after|on|for|at) (?:each|every)|every time|each time|repeatedly|over and over|multiple times|several times|more than once)|(?:again|repeatedly|unexpected|multiple|many|re-?enter|keeps? asking|(?:every|each) time)[^.]*\bPIN/i),
  plain('story', { name: 'after-gpg' }, ['after using', 'after sign', 'after decr', 'after runn', 'after i use', 'after gpg', 'once gpg', 'gpg first', 'first use', 'gpg-agent)', 'gpg4win', 'used it as', 'using gpg', 'after git', 'after ssh', 'gpg command'], /(?:after|once|when(?:ever)?|any ?time|first|as soon as)\b[^.]*\b(?:gpg2?|gpg4win|gnupg|gpg-agent|openpgp)\b|\b(?:gpg2?|gnupg|gpg-agent)\b[^.]*\b(?:first|before)\b/i),
  plain('story', { name: 'works-once' }, ['first time', 'first run', 'second time', 'second run', 'consecutive', 'subsequent', 'only once'], /(?:first (?:time|run)|once)[^.]*(?:second|then|after|subsequent|consecutive|next|but)|(?:second|subsequent|consecutive)[^.]*(?:fail|error|violation)|works? only once/i),
  plain('story', { name: 'wrong-reader-told' }, ['reader', 'wrong slot', 'wrong interface', ' first ', 'built-in', 'builtin', 'internal', 'Broadcom', 'Alcor '], WRONG_READER),
  plain('story', { name: 'driver-list-lacks' }, ['Info.plist', 'ifdVendorID', 'ifdProductID', 'ifdFriendlyName', 'supported reader', 'unsupported', 'supported by libccid', 'CCID compliant', 'CCID-compliant', '<string>', 'supported.html', 'not yet supported', 'not supported', ' on the list', ' on its list', ' in the list'], /\b(?:cp|sed|vim?|nano|diff|patch|edit)\b[^|;]{0,80}libccid_Info\.plist|^\s*<string>[^<]{1,80}\b(?:CCID|Reader|Token)\b[^<]{0,40}<\/string>|\b(?:lib)?ccid\b[^.]{0,40}(?:\bnot|n't)\b[^.]{0,40}\b(?:on|in) (?:the|its) list\b|Info\.plist[^.]*(?:\bnot\b|missing|\badd|lack|edit|pars)|(?:\bnot\b|isn't|missing|\badd\w{0,5}|lacks?|\bedit\w{0,4})[^.]{0,200}Info\.plist|unsupported (?:smart ?card )?reader|not (?:in|on) the (?:list|supported)|reader (?:that |which )?is not (?:yet )?supported(?! by (?:old |older )?(?:gnupg|gpg|scdaemon))|(?:PID|VID|product|vendor)\b[^.]{0,60}Info\.plist|Info\.plist[^.]{0,60}(?:PID|VID|product|vendor)\b|(?:list of )?supported readers?\b[^.]*\bnot\b|(?:\bnot|n't|should be|is it|whether|if it)\b[^.]{0,40}CCID.compliant|\bifd(?:VendorID|ProductID|FriendlyName)\b/i),
  {
    kind: 'story',
    needles: [' blocks', ' blocking', ' blocked by', ' locks ', ' locking', ' will lock', ' locked by', ' holds ', ' holding', ' hogs ', ' hogging', 'prevents ', 'preventing', 'remains "open', 'remains open', 'keeps the', 'keeps my', 'in use by', 'used by', 'lock my', 'lock the', 'messing', ' grabs ', ' grabbed ', ' grabbing', ' captures', ' seizes', 'monopoli', 'exclusive'],
    pattern: /\b(?:blocks?|blocking|blocked by|locks?(?! up)|locking(?! up| failed)|locked by|holds?|holding|hogs?|hogging|prevents?|preventing|remains "?open|keeps (?:the|my)|in use by|messing up|grab(?:s|bed|bing)|captures|seizes|monopoli[sz]es|(?:opens?|opening|takes?|taking|accesse?s?|uses?|connects? to|claims?|wants?|insists? on)(?=\b[^.]{0,40}\bexclusive))\b/i,
    see: (match, text) => {
      const named = roleSaidToHold(text, match.index);
      return named === null ? null : { name: 'said-to-hold', role: named };
    },
  },
  plain(
    'story',
    { name: 'trouble-told' },
    ['yubikey', 'yubi key', 'smartcard', 'smart card', 'smart-card', 'nitrokey', 'card reader', 'security key', ' token', 'reader is', 'reader do', 'reader was', 'reader no', 'the reader', 'my reader', 'the card ', 'my card ', 'the key ', 'my key ', 'solo2 key', 'solokey', 'onlykey', 'canokey', 'librem key', 'not recogni', 'not detected', 'be detected', 'be recogni'],
    /\b(?:not|unable|cannot|fail(?:s|ed|ing)?|never|no longer|stop(?:s|ped)?|broken?|breaks|struggl\w+|trouble)\b|n't\b/i,
  ),
  // The same thing works on the host, or as the package of the distribution.
  plain('story', { name: 'works-outside-told' }, ['the host', ' package', '.deb pa', ' native', 'unconfined', 'outside'], /\b(?:works?|worked|working|fine|detected|visible|recogni[sz]ed)\b[^.]{0,80}\b(?:(?:on|via|from|in) the host|outside|unconfined|natively)\b|(?:(?:on|from) the host|\boutside|unconfined|\bnative|(?:\.deb|\bdebian|\bdeb|\brpm|\bapt|distribution)\b[^.]{0,20}\bpackages?)\b[^\n]{0,100}\b(?:works?|worked|working|fine)\b/i),
  // A tool that goes through pcscd is said to reach the card; versions have dots.
  {
    kind: 'story',
    needles: ['pcsc_scan', 'pcsc-tools', 'opensc', 'pkcs11-tool', 'pkcs15-tool', 'scriptor'],
    pattern: /\b(?:pcsc_scan|pcsc-tools|opensc(?:-tool|-explorer)?|pkcs1[15]-tool|scriptor)\b(?:[^.,;]|\.\d){0,40}\b(?:sees?|detects?|finds?|shows? (?:the|my|a|that|me)\b|lists?|recogni[sz]es?|works?|worked|gets?|reads?|(?:can|could|is able to) (?:see|read|list|access|detect))\b.*/i,
    see: (match, text) => (/\b(?:not|no|unable|cannot|fail\w*|nothing|error|only|never|until|if|when|empty|without|hangs?)\b|n't\b|\$ /i.test(match[0]) || /\b(?:neither|nor|if|when|until)\b/i.test(text.slice(0, match.index)) ? null : { name: 'pcsc-works-told' }),
  },
  // On this machine: elsewhere it has another driver.
  plain('story', { name: 'reader-worked-told' }, [' reader '], /^(?!.*\b(?:Windows|Mac|macOS|OS X|Android|phone|(?:other|another|different|second) (?:\w+ )?(?:computer|machine|PC|laptop|system|reader))\b).*(?:\breader (?:works?|worked|has worked|is working) (?:fine |well |perfectly )?(?:with|in|when|before|until)\b|\b(?:have|had|'ve|got) (?:had )?(?:the|my|this) (?:\w+ )?reader (?:to )?work)/i),
  // The same program, started by hand or from a shell, reaches the card: what differs is its surroundings.
  plain('story', { name: 'works-by-hand-told' }, [' console', ' terminal', ' shell', 'command line', 'commandline', ' directly', ' manually', 'by hand'], /\b(?:works?|worked|runs?|fine|perfect\w*|succeeds?|no (?:problem|error)s?)\b[^.]{0,60}\b(?:when|if|while|by)?\s?(?:call|run|start|launch|execut|invok)\w*\b[^.]{0,60}\b(?:console|terminal|shell|command ?line|directly|manually|by hand)\b|\b(?:works?|worked|fine)\b[^.]{0,20}\b(?:from|in|on) (?:a |the |my )?(?:console|terminal|shell|command ?line)\b/i),
  plain('story', { name: 'installed-then-lost' }, ['install'], /\bhaving\b[^.]{0,80}\binstalled\b[^.]{0,40}\b(?:prevents?|breaks?|stops?)\b|\b(?:after|since|once|when) (?:I |we )?(?:had )?install(?:ed|ing|ation of)\b[^.]{0,80}\b(?:no longer|not? (?:\w+ )?any ?more|stop(?:s|ped) (?:work|be|recogn|detect)\w*|cannot be|can't be)\b[^.]{0,60}|(?:no longer|stopped|any ?more)\b[^.]{0,60}\b(?:after|since) (?:I |we )?(?:had )?install(?:ed|ing)\b/i),
  plain('story', { name: 'uninstall-cures' }, ['uninstall', 'removing ', 'removed ', 'deinstall'], /\b(?:un|de)install(?:ing|ed)\b[^.]{0,80}\b(?:works?|worked|fix(?:es|ed)?|solv(?:es|ed)|resolv(?:es|ed)|help(?:s|ed)|again|fine)\b|\b(?:after|once|by) (?:I |we )?remov(?:ing|ed) (?:the )?[\w-]{3,30}(?: package| snap| app)?,? [^.]{0,30}\b(?:works?|worked|again|fine)\b/i),
  plain('story', { name: 'gpg-works-told' }, ['gpg-agent', ' by gpg', ' by `gpg', 'with gpg', 'with my gpg', 'for gpg', ' my gpg', ' gpg wo', ' gpg do', ' gpg ca', ' gpg is', ' gpg al', ' gnupg', 'openpgp', 'opengpg'], /\b(?:works?|working|worked|fine) (?:good |fine |well |perfectly )?(?:with|in|for|from) (?:my |the )?[`"']?(?:gpg|gnupg|gpg-agent|open[gp]+)\b|\b(?:detected|recogni[sz]ed|seen|found|read) by[`"' ]{1,3}(?:gpg|gnupg|gpg-agent|scdaemon)\b|\b(?:gpg|gnupg|gpg-agent|open[gp]{2,3})\b[^.]{0,60}\b(?:works?|working)\b(?! (?:again|only|after|if|when|once|until|unless|as root))(?![^.]{0,20}\b(?:not|only)\b)/i),
  plain('story', { name: 'gpg-named' }, ['GnuPG ', ' gnupg', '.gnupg', 'gnupg2', 'gpg-agent', 'scdaemon', 'openpgp', 'gpg --', 'gpg2 --', 'gpg4win', ' using gpg', ' with gpg', ' by gpg', ' my gpg', ' gpg key', ' gpg card', ' gpg is', ' gpg can', ' gpg do', ' gpg an', ' gpg sign', ' PGP key', ' for gpg', ' gpg ag']),
  plain('story', { name: 'permission-told' }, ['permission', 'privileg', ' rights'], /\b(?:likely|probably|seems?|looks like|indicat\w+|must be|might be|appears to be|suspect)\b[^.]{0,60}\b(?:permissions?|privileges?|(?:access|user) rights)\b|\bpermissions? (?:issue|problem|thing)s?\b/i),
  plain('story', { name: 'mismatch-told' }, ['mismatch'], /^(?!.*(?:Card protocol|Communication protocol)).*\b(?:(?:protocol|version)s? (?:\w+ ){0,2}mismatch|mismatch\w* (?:\w+ ){0,3}(?:protocol|version)s?)\b/i),
  plain('story', { name: 'counterfeit-told' }, ['counterfeit', 'contraffatt', 'gefälscht', 'contrefa', 'falsific', ' fake ', ' clone ', 'knock-off', 'knockoff', 'not genuine'], /\b(?:counterfeit|contraffatt\w|gefälscht\w*|contrefa\w+|falsific\w+|fake|cloned?|knock-?off|not genuine)\b/i),
  plain('story', { name: 'not-attached-told' }, [' attach', ' passthrough', ' pass-through', ' pass through', ' passed through', ' forward'], /\b(?:cannot|can't|could not|couldn't|not (?:be |possible to )?|unable to|impossible to|fails? to|forgot to)\s?(?:be )?(?:attach|pass(?:ed)?[ -]?through|forward)(?:ed|ing)?\b[^.]{0,60}\b(?:VM|AppVM|qube|guest|container|WSL2?|virtual machine)\b/i),
  plain('story', { name: 'access-control-told' }, ['SELinux', 'AppArmor', 'setenforce', 'audit2allow'], /\b(?:SELinux|AppArmor)\b[^.]{0,80}\b(?:den(?:y|ie[ds]|ial|ials)|block(?:s|ed|ing)?|prevent\w*|not (?:allow|permit)\w*|enforcing|polic(?:y|ies))|\b(?:den(?:y|ied)|blocked|prevented|not (?:allowed|authori[sz]ed|permitted))\b[^.]{0,100}\b(?:SELinux|AppArmor)\b|setenforce 0|audit2allow/i),
  plain('story', { name: 'firmware-told' }, ['firmware'], /\b(?:upgrad\w*|updat\w*|flash\w*|new(?:er|est)?|latest|old(?:er)?|outdated|which)\b[^.]{0,40}\bfirmware|\b(?:reader'?s?) firmware\b|\bfirmware(?: version)? of the reader\b|\bfirmware\b[^.]{0,40}\b(?:upgrad\w*|updat\w*|flash\w*|too old|outdated|bug)/i),
  {
    kind: 'story',
    // The daemon's state in plain words; told as a condition or an instruction it says nothing.
    needles: ['pcscd is', 'pcscd service is', 'pcscd.service is', 'pcscd daemon is', 'pcscd was', 'verify it is running', 'pcscd running', 'pcscd and '],
    pattern: /^(?!.*\b(?:if|when|while|unless|make sure|making sure|as long as|once|until|ensure|check)\b).*pcscd[^.]{0,60}\brunning\b/i,
    see: (_, text) => (/\bnot\b|n't|\?/i.test(text) ? null : { name: 'unit', unit: 'pcscd', state: 'active' }),
  },
  {
    kind: 'scdaemon.conf',
    // Told in a sentence that it is set; told to be missing it is not.
    needles: ['pcsc-shared', 'disable-ccid', 'reader-port'],
    pattern: /\b(?:set|added|have|has|had|using|use|with|enabled|put)\s+(?:the\s+|only\s+|both\s+|an?\s+)?[`"']?-{0,2}(pcsc-shared|disable-ccid|reader-port)\b/i,
    see: (match) => ({ name: 'scdaemon-config', option: (match[1] as string).toLowerCase(), value: '' }),
  },
  plain('story', { name: 'applet-told' }, [' applet', 'other application on'], /(?:chang|switch|select|unlock|wake)\w*\b[^.]{0,40}\bapplets?\b|\bapplets?\b[^.]{0,40}(?:chang|switch|select)\w*/i),
  // Synchronous cards of the SLE 44xx and AT88 families have no ATR as ISO 7816-3 means it.
  plain('story', { name: 'memory-card-told' }, ['memory card', 'SLE442', 'SLE443', 'SLE444', 'SLE 44', 'SLE 55', 'SLE552', 'SLE553', 'SLE554', 'AT88SC', 'synchronous card'], /\bmemory (?:smart ?)?cards?\b|\bSLE ?(?:44|55)\d\d\b|\bAT88SC|synchronous cards?\b/i),
  plain('story', { name: 'udev-absent' }, ['no udev', 'without udev', 'udev is not', 'no libudev'], /\b(?:no|without) (?:lib)?udev|udev is not/i),
  plain('story', { name: 'udev-rule-told' }, ['udev rule', 'udev-rule', 'udev permission', 'udev.rules', 'udev/rules.d'], /udev[ .\/-](?:rules?|permissions?)\b/i),
  plain('story', { name: 'fallback-told' }, ['fallback', 'fall back', 'falls back', 'falling back'], /fall(?:s|ing)?[ -]?back[^.]{0,60}(?:PC\/?SC|pcscd)|(?:PC\/?SC|pcscd)[^.]{0,30}fall(?:s|ing)?[ -]?back/i),
  plain('story', { name: 'other-sees' }, ['though', 'whereas', 'but ykman', 'but pcsc', 'but the ', 'but opensc', 'but pkcs11', 'while ykman', 'while pcsc', 'while the '], /\b(?:though|but|while|whereas)\b[^.]{0,30}\b(?:ykman|pcsc_scan|pcsc-tools|opensc\S*|pkcs11-tool|nitropy|authenticator)\b[^.]{0,30}\b(?:sees?|detects?|finds?|shows?|lists?|recogni[sz]es?|works?|does)\b(?! not|n't)/i),
  plain('story', { name: 'after-tool' }, ['after '], /\bafter\b[^.]{0,40}\b(?:ykman|yubico-piv-tool|yubioath|authenticator|piv-tool|pkcs11-tool|opensc|nitropy|keepassxc)\b/i),
  plain('story', { name: 'other-reader-works' }, [' works ', ' worked ', 'works fine', 'works normally', 'reproduce', 'other readers', 'other reader '], /\b(?:can't|cannot|can not|couldn't|could not|unable to) reproduce\b[^.]{0,60}\b(?:with|using|on|in)\b|works?\b[^.]{0,40}\b(?:with|in|on) (?:\w+ ){0,4}?(?:another|a different|the other|an? other|other|different)(?: \w+){0,2} readers?\b|\bother readers\b[^.]{0,40}\b(?:works?|read)\b|works?\b(?=[^.]{0,120}\breader)[^.]{0,60}\bbut (?:it )?(?:doesn't|does not|not|fails)\b[^.]{0,20}(?:with|in|on)\b/i),
  plain('story', { name: 'cable-told' }, [' cable', 'USB hub', 'usb-hub', 'power supply', 'undervolt', 'under-volt', 'another port', 'different port', 'other port', 'USB port'], /\b(?:shorter|short|longer|long|other|another|different|bad|new|extension)\s(?:\w+\s){0,3}(?:cable|port)\b|\bhub\b|power supply|under-?volt/i),
  plain('story', { name: 'older-gnupg-cures' }, ['downgrad', 'revert', 'roll back', 'rolled back', 'rolling back', 'went back', 'no longer works', 'no longer work', 'brew switch', 'stopped working'], /^(?!.*(?:pcsc|ccid)).*(?:downgrad|revert|roll(?:ed|ing)? back|went back|switch)\w*\b[^,;]{0,60}\b(?:gnupg|gpg|scdaemon|2\.[0-5]\.\d+)|\b(?:gnupg|gpg)\S*(?: version)? 2\.\d+\.\d+ (?:no longer|stopped|does ?n[o']t)/i),
  plain('story', { name: 'pcsc-downgraded' }, ['downgrad'], /downgrad\w*\b.{0,60}\bpcsc-?(?:lite|d)\b|\bpcsc-?(?:lite|d)\b.{0,60}\bdowngrad/i),
  plain('story', { name: 'ccid-regression-told' }, ['bisect', ' broke', 'regress', 'since the update', 'since update'], /\b(?:bisect\w*|regress\w*|broke\w*|since (?:the )?updat\w*)\b.{0,120}\b(?:lib|acs)?ccid\b|\b(?:lib|acs)?ccid\b.{0,60}\b(?:broke\w*|regress\w*|bisect\w*)/i),
  plain('story', { name: 'pcscd-start-told' }, ['pcscd ', 'pcscd: ', 'pcscd`', 'pcscd.s'], /\bpcscd(?:\.service|\.socket)?[`'":]*(?: (?:service|daemon))?\s(?:\w+\s){0,3}(?:(?:fails?|failed|refuses?|unable) to (?:start|launch|run)|does ?n[o']t (?:even )?(?:start|launch|run\b)|(?:will not|won't|cannot|can't|could not) (?:start|be started|run\b)|(?:seems to be |is )broken|crash(?:es|ed|ing)?\b|segfaults?\b|quits?\b|dies\b|died\b|exits?(?:ed)? (?:immediately|at once|with)|dumps core)/i),
  plain('story', { name: 'mac-only-told' }, [' MacOS', 'MacOS ', ' OS X ', ' on Mac', ' Macs ', ' a Mac', ' my Mac'], /\bonly\b[^.]{0,60}\b(?:macOS|Mac OS|OS X|Macs?)\b|\b(?:works?|fine|no (?:problem|issue)s?)\b[^.]{0,40}\b(?:Linux|Windows)\b[^.]{0,60}\b(?:not|n't|fails?|but)\b[^.]{0,40}\b(?:macOS|Mac OS|OS X|Macs?)\b|\b(?:macOS|Mac OS|OS X|Macs?)\b[^.]{0,60}\b(?:but|while|whereas)\b[^.]{0,60}\b(?:Linux|Windows)\b/i),
  plain('story', { name: 'library-doubted' }, ['pcsclite', 'pcsc-lite', 'pcsc-driver'], /\b(?:does ?n[o']t|do ?n[o']t|not|cannot|can't|unable to|fails? to|without|missing|lacks?)\b[^.]{0,40}\b(?:depend|link|find|load|open|locate|pull|wrap|look)\w*\b[^.]{0,40}\b(?:lib)?pcsc-?lite\b|\bpcsc-driver\b.{0,60}\b(?:fix|help|solv|work|need|had to|set)/i),
  plain('story', { name: 'pcscd-doubted' }, ['running?', 'not running', '` running', 'service running', 'pcscd running'], new RegExp(`pcscd\\W[^.]{0,30}running\\?|(?:\\b(?:do|does|did) not|n't|\\bwithout|\\bno)\\b[^.]{0,20}\\bpcscd\\b\\S{0,10} running|${FAILS_WITHOUT_PCSCD.source}`, 'i')),
  plain('story', { name: 'lock-told' }, [' locks ', ' locked ', ' lock on', 'transaction'], /\block(?:s|ed)?\b[^.]{0,40}\b(?:card|reader|token)\b[^.]{0,60}\b(?:no other|others?|nobody|anyone)\b|\btransaction\b[^.]{0,40}(?:never (?:ended|closed|released)|not (?:ended|closed|released)|left open)/i),
  plain('story', { name: 'own-process-told' }, ['SCardDisconnect', 'SCardReleaseContext', 'no other app', 'no other prog', 'no other proc', 'own process', 'same process', 'only process', 'only program', 'only client', 'itself ', 'blocks itself', 'locks itself'], /(?:never|not|n't|without|missing|forg[eo]t)[^.]{0,40}SCard(?:Disconnect|ReleaseContext)|no other (?:app|prog|proc)|own process|same process|\bonly (?:process|program|client)\b[^.]{0,40}(?:connect|using|with|open)|(?:block|lock|interfer|hold|keep)\w*\b[^.]{0,30}\bitself\b|\bitself\b[^.]{0,30}\b(?:block|lock|interfer|hold|keep)\w*/i),
  plain('story', { name: 'plug-order-told' }, ['plugged', 'attached', 'inserted', 'connected'], /(?:only|unless|if|when)\b[^.]{0,60}(?:plugged|attached|inserted|connected)[^.]{0,30}\bbefore\b[^.]{0,40}(?:pcscd|starts?|started|boot|launch)|(?:plugged|attached|inserted|connected)[^.]{0,20}\bafter\b[^.]{0,40}\bpcscd\b/i),
  plain('story', { name: 'exclusive-told' }, ['exclusive', 'SHARE_EXCLUSIVE'], /\bexclusive(?:ly)?\b[^.]{0,60}(?:access|mode|connect|open|lock)|(?:access|opens?|connects?|takes?|SHARE_)[^.]{0,40}exclusive/i),
  plain('story', { name: 'newer-cures' }, ['libccid', ' ccid ', 'pcsc-lite', 'pcsclite', 'pcscd '], /(?:\bwith|works? (?:in|with)|worked (?:in|with)|fixed (?:in|by|with)|(?:updat|upgrad|downgrad)\w{1,8} (?:\w{1,20} )?(?:to)?|(?:solv|help|resolv|fix)\w{1,8}[^.]{0,20}|(?:install|use|try|needs?|requires?)\b[^.]{0,12}(?:version )?) ?(?:lib)?(?:ccid|pcsc-?lite|pcscd)(?: driver)?(?: version)? v?\d[\d.]*[^.]{0,40}(?:\bworks?|\bis\b|fine|help|solv|fix|again|or (?:more|later|newer)|\.\s|$)|(?:updat|upgrad|downgrad|chang)\w+ (?:[\w-]+ ){0,4}(?:lib)?(?:ccid|pcsc-?lite|pcscd)\b.{0,60}\b(?:works?|fixe[ds]|help(?:ed|s)|solve[ds])/i),
  plain('story', { name: 'usb-empty' }, ['lsusb ', ' lsusb', 'lsusb.', '`lsusb'], /lsusb[^.]{0,60}(?:\bempty|nothing|no output|(?:does|did)(?:n't| not) (?:show|list|see)|not (?:listed|there|visible))|not? (?:\w+ ){0,3}(?:in|by|on|from|with) lsusb/i),
  plain('story', { name: 'reader-limit-told' }, [' readers', 'readers ', '16 read', '48 read'], /\b(?:only|more than|at most|max\w*|limit(?:ed)?(?: of| to)?|up to|first)\s+(?:the\s+)?(?:16|48|sixteen)\b|\b16 (?:of them|readers)\b/i),
  plain(
    'story',
    { name: 'over-ssh' },
    ['over ssh', 'via ssh', 'through ssh', 'ssh-ing', 'sshing ', "ssh'd ", 'ssh into', 'ssh in ', 'ssh session', 'ssh login', 'ssh connection', 'ssh localhost', 'remote session', 'remote login', 'remotely', 'Last login:', 'headless'],
    /\b(?:over|via|through) ssh\b(?![ -](?:keys?|agent|auth\w*))|(?<!\b(?:can|could|able to|try to|trying to|unable to|cannot|can't|also|still) )\bssh(?:-?ing|'?d)?\s(?:in|into|localhost)\b(?![^.]{0,40}\b(?:using|with) (?:an? |the |my )?(?:ssh |gpg )?(?:key|token))|(?<!authenticat\w{1,5} |authori[sz]\w{1,5} )\b(?:remote|ssh) (?:login|session|shell|connection)s?\b|logg?(?:ed|ing|in)? (?:in )?remotely|^Last login: .{0,80} from |\bheadless\b/i,
  ),
  // gpg and a program for another application of the same token, of which one keeps the other out.
  plain(
    'story',
    { name: 'both-told' },
    ['same time', 'simultaneous', 'in parallel', 'concurrent', 'interchangeabl', 'alongside', 'side by side', 'together with', 'coexist', 'conflict with', 'conflicts with'],
    /^(?=.{0,400}\b(?:gpg2?|gnupg|openpgp|pgp|scdaemon)\b)(?=.{0,400}(?:\bpiv\b|\boath\b|\btotp\b|\bage\b|age-plugin|\bfido2?\b|ykman|authenticator|opensc|pkcs|pcscd?\b|pc\/sc|keepass))/i,
  ),
  plain('story', { name: 'polkit-told' }, ['polkit', 'policykit', 'policy kit', 'policy-kit', ' pcscd'], /\b(?:polkit|policy[ -]?kit)\b.{0,60}\b(?:den(?:y|ie[ds]|ying)|refus|block|prevent|reject|requir|needs?\b|rules?\b|cause|problem|issue|permission|authori[sz])|\b(?:because of|due to|caused by|problem (?:is|was)|needs?|needed)\s(?:an? |the )?(?:polkit|policy[ -]?kit)\b|--disable-polkit|\b(?:built|compiled|build|comes?|ships?|enabled)\b[^.]{0,20}\b(?:with|against)\s(?:polkit|policy[ -]?kit)\b|\b(?:polkit|policy[ -]?kit)\b[^.]{0,40}\bactions?\b[^.]{0,30}\b(?:not|never|isn't|aren't|un)\s?(?:registered|installed|known|found)|\bnot (?:allowed|permitted|authori[sz]ed) to (?:access|use|connect|talk)\b[^.]{0,30}\bpcscd\b/i),
  {
    kind: 'story',
    needles: ['reboot', 'restart my', 'restart the', 'restarting my', 'restarting the', 'restarted my', 'restarted the', 'power cycl'],
    pattern: /\breboot\w*\b[^.]{0,60}(?:\bwork|resolv|fix|solv|help|\bfine|again|\bback|recogni)|(?:\bwork\w*|resolv\w+|fix\w*|solv\w+|help\w*)\b[^.]{0,40}\breboot|(?:have|need|had|has|requir\w+|until|unless)\b[^.]{0,30}\b(?:reboot|restart\w* (?:the|my)(?: whole)? (?:mac|computer|laptop|machine|system|pc))/i,
    see: (match, text) => (inVain(text, match.index) ? null : { name: 'reboot-cures' }),
  },
  // Two drivers for one reader, told: which one gpg should use, or that only one gets it.
  plain(
    'story',
    { name: 'own-driver-told' },
    ['scdaemon', 'CCID driver', 'ccid support', 'internal driver', 'built-in driver', 'integrated support'],
    /(?:\bpcscd?\b|PC\/SC)[^.]{0,60}(?:instead of|rather than)[^.]{0,60}(?:internal|integrated|built-?in|\bown\b)[^.]{0,20}(?:CCID|driver)|(?:\bdisabl\w{1,5}|\bturn\w{0,4} off|without|\bbypass\w{0,4})[^.]{0,40}(?:internal|integrated|built-?in|\bown\b)[^.]{0,40}\bCCID\b|^(?=.{0,300}\bscdaemon\b)(?=.{0,300}\bpcscd\b).{0,300}\b(?:rac(?:e|es|ing)|fight\w*|compet\w+|only one of)\b/i,
  ),
  { kind: 'story', needles: [' replug', 'replugg', 're-plug', 'reinsert', 're-insert', ' unplug', 'unplugg', 'plugging', 'remove and insert', 'plug it back', 'plug in again', 'plugged it', 'plugged the', 'back in', 'removing and', 'remove/', 'removing/'], pattern: /re-?plug|re-?insert|unplug|plug(?:ging|ged)? (?:it |the \w+ )?(?:back|in again|out)|plug(?:ging)? (?:it )?in|remov(?:e|ing)(?: and |\/)(?:re-?)?insert/i, see: (match, text) => (inVain(text, match.index) ? { name: 'replug-in-vain' } : { name: 'replug-cures' }) },
  {
    kind: 'story',
    // Taken out and put in, the device is there: then its driver is, too.
    needles: ['replug', 're-plug', 'unplug', 'plug it back', 'plug in again', 'reinsert', 're-insert', 'reconnect', 're-connect', 'plug the ', 'plugging'],
    pattern: /\b(?:re-?plug\w*|unplug\w*|plug(?:ging)? (?:it |the \w+ )?(?:back|in again)|re-?insert\w*|re-?connect\w*)\b[^.]{0,80}?\b(?:works?|worked|working|able to|finds?|found|detect(?:s|ed)|recogni[sz](?:es|ed)|solves?|fixes|fixed|helps)\b/i,
    see: (match, text) => (/\b(?:not|no|neither|nor|without|didn't|doesn't|don't|never)\b|n't\b/i.test(match[0]) || /\b(?:tried|trying|even|although)\b/i.test(text.slice(0, match.index)) ? null : { name: 'replug-works-told' }),
  },
  plain('story', { name: 'root-works' }, ['as root', 'with sudo', 'using sudo', 'sudo gpg', 'sudo ykman', 'sudo pcsc_scan', 'sudo opensc', 'sudo pkcs11', 'root user', 'without sudo', 'needs sudo', 'non-root', 'normal user', 'regular user', 'unprivileged user', 'unprivil', 'requires sudo', 'need sudo', ' sudo '], new RegExp(`\\b(?:as|by|for) (?:an? |the )?(?:normal|regular|unprivil\\w+|non-privileged|non-root|ordinary) users?\\b|requires? sudo|(?:when|with) sudo\\b[^.]{0,60}(?:works?|normal|fine|no error)|(?:works?|worked|only|fine|succeeds?|needs|ok)\\b.*(?:as root|${AS_ROOT}|root user)|(?:${AS_ROOT}|as root|root user|non-root).*(?:works?|worked|fine|succeeds|ok)\\b|\\b(?:can|could|able to)\\b[^.]{0,60}\\bas root\\b[^.]{0,40}\\b(?:but|not|cannot|can't)\\b|\\b(?:cannot|can't|not|unable)\\b[^.]{0,60}\\bas (?:a )?(?:non-root|normal user|regular user|unprivileged)`, 'i')),
  plain('story', { name: 'config-not-active' }, ['scdaemon.conf', 'gpg-agent.conf'], /(?:edit|chang|add|modif|creat).{0,200}(?:no effect|nothing changed|still|until|only after)|(?:no effect|still|until).{0,200}(?:edit|chang|add)ed/i),
  plain('story', { name: 'agent-socket-foreign' }, ['forward', ' socat ', '/socat ', 'npiperelay'], /(?:socat|npiperelay|relay)[^.]*(?:gpg-agent|S\.gpg|Windows|socket)|forward[^.]*\bWindows\b/i),
];
