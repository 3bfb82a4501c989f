import { type AddonPort, startAddon } from './pcsc/addon.ts';
import { Ahead } from './system/ahead.ts';

/** With one of these, this machine is not examined. */
const ELSEWHERE = /^(?:explain|demo|checks|schema|holders|watch|report|diff|help|-h|--help|-V|--version|--from(?:=.*)?)$/;

const argv = process.argv.slice(2);
const examines = !argv.some((word) => ELSEWHERE.test(word));
const connects = examines && !argv.includes('--passive') && process.env.CARDCHECK_PASSIVE === undefined;
// Before anything else is loaded: these need as long to answer as all the rest takes to load.
const addon: AddonPort | null = connects ? startAddon() : null;
const ahead = examines ? new Ahead() : null;
const { main } = await import('./cli.ts');
await main(argv, { addon, ahead });
