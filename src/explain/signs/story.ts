import { plain, type Sign } from '../sign.ts';

/** What people tell beside the logs: when it fails, what helps. Hints, never proofs. */
export const storySigns: readonly Sign[] = [
  plain('story', { name: 'hangs' }, ['hung there', 'blocks forever', 'freezes', ' stuck ', 'hanging', 'never returns', 'unable to launch', 'does not respond', 'not responding', 'no output'], /hang(?:s|ing)|hung|freez|block(?:s|ed) forever|never returns|unable to launch|stuck|no output|not respond/i),
  plain('story', { name: 'hangs' }, [' hangs ', ' hangs.', ' hangs,', ' hang on', 'it hung ', 'will hang', 'just hang']),
  plain('story', { name: 'polled' }, [' blinks', 'blinking', 'flashing', 'flashes', 'periodically', 'constantly', 'every second', 'every few seconds', 'very slow', 'lights up', 'quite often', 'repeatedly', 'continuously'], /blink|flash(?:ing|es)|periodical|constant|every (?:few )?seconds?|very slow|often|repeated|continuous|lights up/i),
  plain('story', { name: 'after-sleep' }, ['suspend', ' resume', 'resumed', 'resuming', 'hibernat', 'wake up', 'wakes up', ' waking', 'lid close', 'from sleep', 'to sleep', ' asleep'], /(?:after|from|upon|on|when|while|following|to)\s+(?:\w+\s+){0,4}(?:suspend|resum|hibernat|sleep|wak(?:e|ing)|lid)|asleep|suspend(?:ing)? and resum/i),
  plain('story', { name: 'after-upgrade' }, ['upgrade', 'upgrading', 'updating', 'dist-upgrade', 'after update', 'after the update'], /(?:after|since|following)[^.]*(?:upgrad|updat)|upgrad\w+ (?:to|from)|stopped working after/i),
  plain('story', { name: 'closing-cures' }, ['close the', 'closing ', 'quit the', 'quitting', 'as soon as', 'is running', 'while running', 'is open', 'exit the'], /(?:close|closing|quit(?:ting)?|exit(?:ing)?|stop(?:ping)?)\s+\w[^.]*(?:work|fix|help|function|again|solv)|(?:while|when|if)\s+[^.]*is (?:running|open|started)/i),
  plain('story', { name: 'replug-cures' }, [' replug', 'replugg', 're-plug', 'reinsert', 're-insert', ' unplug', 'unplugg', 'plugging', 'remove and insert', 'plug it back', 'plug in again'], /re-?plug|re-?insert|unplug|plug(?:ging)? (?:it )?(?:back|in)|remove and insert/i),
  plain('story', { name: 'root-works' }, ['as root', 'with sudo', 'using sudo', 'sudo gpg', 'sudo ykman', 'sudo pcsc_scan', 'sudo opensc', 'sudo pkcs11', 'root user', 'without sudo', 'needs sudo', 'non-root'], /(?:works?|worked|only|fine|succeeds?|needs|ok)\b.*(?:as root|sudo|root user)|(?:sudo \w|as root|root user|non-root).*(?:works?|worked|fine|succeeds|ok)\b/i),
  plain('story', { name: 'config-not-active' }, ['scdaemon.conf', 'gpg-agent.conf'], /(?:edit|chang|add|modif|creat)\w*.*(?:no effect|nothing changed|still|until|only after)|(?:no effect|still|until).*(?:edit|chang|add)ed/i),
  plain('story', { name: 'agent-socket-foreign' }, ['forward', ' socat ', '/socat ', 'npiperelay'], /(?:socat|npiperelay|relay|forward)[^.]*(?:gpg-agent|S\.gpg|Windows|socket)/i),
];
