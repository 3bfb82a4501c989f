/** Tokens that show no smart-card interface. */
import type { SecurityKey } from '../src/snapshot/schema.ts';

/** A YubiKey 4 or 5 whose CCID interface is off shows these numbers; keys made without it show others (yubikey-manager yubikit/core/__init__.py, PID). */
export const hasCcidOff = ({ id }: SecurityKey): boolean => id === '1050:0401' || id === '1050:0403';

/** "Yubico Security Key by Yubico (1050:0120)" */
export const keyName = ({ manufacturer, product, id }: SecurityKey): string => `${[manufacturer, product].filter((word) => word !== null).join(' ') || 'USB device'} (${id})`;
