/** The closed lists of a report's words, in their order; apart from the schema, because zod is not for the hot path. */
export const severities = ['error', 'warning', 'info'] as const;
export const certainties = ['proven', 'likely', 'possible'] as const;
/** From the device upwards: each rests on those before it. */
export const layerIds = ['device', 'permission', 'driver', 'service', 'access', 'sharing', 'card', 'gnupg'] as const;
