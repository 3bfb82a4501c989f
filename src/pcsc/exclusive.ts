/**
 * EXCLUSIVE connects that are under way, in this process or in a child of it. Whoever dies with an exclusive
 * handle makes pcscd reset the card (pcsc-lite winscard_svc.c, MSGRemoveContext), so cardcheck waits for them
 * before it ends.
 */
const underWay = new Set<Promise<unknown>>();
let aborted = false;

/** False once the run is being ended: no new EXCLUSIVE connect may begin. */
export function mayConnectExclusively(): boolean {
  return !aborted;
}

/** Notes an EXCLUSIVE connect until `work` has disconnected or failed; returns `work`. A terminal that is closed meanwhile ends the process only then. */
export function guardExclusive<T>(work: Promise<T>): Promise<T> {
  const settled = work.then(
    () => {},
    () => {},
  );
  if (underWay.size === 0) process.once('SIGHUP', endLater);
  underWay.add(settled);
  settled.then(() => {
    underWay.delete(settled);
    if (underWay.size === 0) process.removeListener('SIGHUP', endLater);
  });
  return work;
}

function endLater(): void {
  // By the signal's own action, which is back when the last listener has gone.
  void abortPcsc().then(() => process.kill(process.pid, 'SIGHUP'));
}

/**
 * To be awaited before the process ends early, e.g. on Ctrl-C: begins no further EXCLUSIVE connect and resolves
 * when none is held any more. That is at once in all but freak cases: EXCLUSIVE is tried only where nobody holds
 * a handle. It has no deadline; a second Ctrl-C is the user's own decision to have the card reset.
 */
export async function abortPcsc(): Promise<void> {
  aborted = true;
  while (underWay.size > 0) await Promise.all(underWay);
}
