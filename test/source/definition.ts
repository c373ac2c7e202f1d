import type { Definition } from '../../src/hubspot/definition.ts';

/** A HubSpot property of a type, as far as a conversion looks at it. */
export function property(type: string, more: Partial<Definition> = {}): Definition {
  return {
    name: 'p',
    label: 'P',
    type,
    fieldType: type === 'enumeration' ? 'select' : 'text',
    options: [],
    hasExternalOptions: false,
    isReadOnly: false,
    isUnique: false,
    isArchived: false,
    ...more,
  };
}
