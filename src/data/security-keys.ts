/** By `vendor:product`, lower case. A YubiKey 4 or 5 whose CCID interface is off shows these numbers; keys made without it show others (yubikey-manager yubikit/core/__init__.py, PID). */
export const hasCcidOff = (id: string): boolean => id === '1050:0401' || id === '1050:0403';
