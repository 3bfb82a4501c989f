/** By `vendor:product`, lower case. A YubiKey NEO, 4 or 5 whose CCID interface is off shows these numbers; keys made without it show others (yubikey-manager yubikit/core/__init__.py, PID). */
export const hasCcidOff = (id: string): boolean => /^1050:(?:011[034]|040[13])$/.test(id);
