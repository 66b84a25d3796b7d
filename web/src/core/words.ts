/** Keys of the catalog, as people read them. */

/** In a sentence: `daily_tokens` → `daily tokens`. */
export const words = (key: string): string => key.replaceAll('_', ' ');

/** As a heading: `daily_tokens` → `Daily tokens`. */
export const titled = (key: string): string => key.charAt(0).toUpperCase() + words(key).slice(1);
