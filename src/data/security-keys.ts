/** By `vendor:product`, lower case: YubiKeys with a CCID interface that is switched off (yubikey-manager yubikit/core/__init__.py, PID). Keys made without one show other numbers. */
const ccidOff: ReadonlySet<string> = new Set(['1050:0110', '1050:0113', '1050:0114', '1050:0401', '1050:0403']);

export const hasCcidOff = (id: string): boolean => ccidOff.has(id);
