const pollMs = 10;

/** Asks again until it is so. @throws Error after `timeoutMs` (default 10 000 ms) */
export async function until(description: string, isSo: () => Promise<boolean>, timeoutMs = 10_000): Promise<void> {
  const deadline = Date.now() + timeoutMs;
  while (!(await isSo())) {
    if (Date.now() > deadline) throw new Error(`not within ${timeoutMs} ms: ${description}`);
    await new Promise((resolve) => setTimeout(resolve, pollMs));
  }
}
