import type { PropertyDefinition } from './definitions.ts';

export type Invalid = {
  isValid: false;
  message: string;
  error: string;
  name: string;
  localizedErrorMessage: string;
  portalId: number;
};

/** Everything HubSpot would say against these values; empty when it takes them. */
export function validate(
  properties: Readonly<Record<string, unknown>>,
  definitions: ReadonlyMap<string, PropertyDefinition>,
): Invalid[] {
  return Object.entries(properties).flatMap(([name, value]) => {
    const said = judge(name, value, definitions.get(name));
    return said === null
      ? []
      : [{ isValid: false as const, ...said, name, localizedErrorMessage: said.message, portalId: 123 }];
  });
}

type Said = { message: string; error: string } | null;

function judge(name: string, value: unknown, definition: PropertyDefinition | undefined): Said {
  if (definition === undefined || definition.archived)
    return { message: `Property "${name}" does not exist`, error: 'PROPERTY_DOESNT_EXIST' };
  if (definition.modificationMetadata.readOnlyValue)
    return { message: `"${name}" is a read only property; its value cannot be set.`, error: 'READ_ONLY_VALUE' };
  if (typeof value !== 'string') return { message: `${name} must be a string`, error: 'INVALID_STRING' };
  if (value === '') return null;
  if (value.length > 65_536)
    return { message: `${name} is too long: 65536 characters are allowed`, error: 'INVALID_LENGTH' };
  if (name === 'email')
    return isEmail(value) ? null : { message: `Email address ${value} is invalid`, error: 'INVALID_EMAIL' };
  return judgeType(value, definition);
}

function isEmail(value: string): boolean {
  return /^[^\s@,;<>()]+@[^\s@.,]+(\.[^\s@.,]+)*\.[a-z]{2,}$/i.test(value.trim());
}

function judgeType(value: string, { name, type, fieldType, options, externalOptions }: PropertyDefinition): Said {
  switch (type) {
    case 'number':
      return /^-?\d+(\.\d+)?$/.test(value)
        ? null
        : { message: `${value} was not a valid long.`, error: 'INVALID_LONG' };
    case 'bool':
      return value === 'true' || value === 'false' ? null : notAllowed(value, ['true', 'false']);
    case 'date':
      return judgeDate(value);
    case 'datetime':
      return Number.isNaN(/^-?\d+$/.test(value) ? Number(value) : Date.parse(value))
        ? { message: `${value} was not a valid long.`, error: 'INVALID_LONG' }
        : null;
    case 'enumeration': {
      if (externalOptions) return null;
      const given = fieldType === 'checkbox' ? value.replace(/^;/, '').split(';') : [value];
      const wrong = given.find((each) => !options.some((option) => option.value === each));
      return wrong === undefined
        ? null
        : notAllowed(
            wrong,
            options.map((option) => option.value),
          );
    }
    case 'json':
    case 'object_coordinates':
      return { message: `"${name}" cannot be written`, error: 'READ_ONLY_VALUE' };
    default:
      return null;
  }
}

function judgeDate(value: string): Said {
  if (/^\d{4}-\d{2}-\d{2}$/.test(value))
    return isDay(value) ? null : { message: `${value} was not a valid date`, error: 'INVALID_DATE' };
  const moment = /^-?\d+$/.test(value) ? new Date(Number(value)) : null;
  if (moment === null) return { message: `${value} was not a valid date`, error: 'INVALID_DATE' };
  const time = moment.toISOString().slice(11, 23);
  return time === '00:00:00.000'
    ? null
    : { message: `${value} is at ${time.slice(0, 10)} UTC, not midnight!`, error: 'INVALID_DATE' };
}

/** The platform takes the 30th of February for the 2nd of March. */
function isDay(text: string): boolean {
  const day = new Date(`${text}T00:00:00Z`);
  return !Number.isNaN(day.getTime()) && day.toISOString().startsWith(text);
}

function notAllowed(value: string, allowed: string[]): Said {
  return { message: `${value} was not one of the allowed options: [${allowed.join(', ')}]`, error: 'INVALID_OPTION' };
}
