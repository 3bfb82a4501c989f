/** Tokens that show no smart-card interface. */
import type { SecurityKey } from '../src/snapshot/schema.ts';

/** "Yubico Security Key by Yubico (1050:0120)" */
export const keyName = ({ manufacturer, product, id }: SecurityKey): string => `${[manufacturer, product].filter((word) => word !== null).join(' ') || 'USB device'} (${id})`;
