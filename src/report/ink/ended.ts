import type { Instance } from 'ink';

/** Takes an app off the screen and waits until that is written. In this order: asked only afterwards, Ink 6 leaves a listener on the process. */
export async function ended(app: Pick<Instance, 'unmount' | 'waitUntilExit'>): Promise<void> {
  const exit = app.waitUntilExit();
  app.unmount();
  await exit;
}
