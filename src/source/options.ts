import type { Definition } from '../hubspot/definition.ts';

/** The internal value of an option, by its value, else by its label; case counts only when it must. Null when none is meant. */
export function findOption({ options, hasExternalOptions }: Definition, text: string): string | null {
  if (hasExternalOptions || options.length === 0) return text;
  const exact = options.find(({ value }) => value === text) ?? options.find(({ label }) => label === text);
  if (exact !== undefined) return exact.value;
  const lower = text.toLowerCase();
  const near = new Set(
    options.flatMap(({ value, label }) =>
      value.toLowerCase() === lower || label.toLowerCase() === lower ? [value] : [],
    ),
  );
  const [only] = near;
  return near.size === 1 && only !== undefined ? only : null;
}

/** `a, b, c and 7 more`: what a property takes. */
export function listOptions({ options }: Definition): string {
  const shown = options.slice(0, 8).map(({ value }) => value);
  const more = options.length - shown.length;
  return `${shown.join(', ')}${more > 0 ? ` and ${more} more` : ''}`;
}
