import { type AddonPort, startAddon } from './pcsc/addon.ts';

/** With one of these no card is touched on this machine, so no child process is needed that could. */
const WITHOUT_ADDON = /^(?:explain|demo|checks|schema|holders|watch|report|diff|help|-h|--help|-V|--version|--passive|--from(?:=.*)?)$/;

const argv = process.argv.slice(2);
const mayProbe = !argv.some((word) => WITHOUT_ADDON.test(word)) && process.env.CARDCHECK_PASSIVE === undefined;
// Before anything else is loaded: the child needs as long to start as all the rest takes.
const addon: AddonPort | null = mayProbe ? startAddon() : null;
const { main } = await import('./cli.ts');
await main(argv, addon);
