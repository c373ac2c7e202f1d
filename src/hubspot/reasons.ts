/** Why HubSpot refuses, as one entry of a body says it. */
export type Reason = {
  code: string;
  property?: string;
  /** The value the message quotes, as far as it can be told from the rest of the sentence. */
  value?: string;
  message: string;
  correlationId?: string;
  /** The inputs it names by trace id. */
  traceIds: string[];
  /** The inputs it names by id. */
  ids: string[];
};

/** INVALID_OPTION lists every option there is. */
const MESSAGE_CHARACTERS = 4_000;

/**
 * All reasons a body gives. HubSpot nests JSON in a message (`Property values were not valid: [{…}]`), and `errors`
 * may be shorter than that list, so the nested list is taken first. Never empty for a refusal: what cannot be read
 * is one reason with the category as its code. Never throws, whatever the body.
 */
export function readReasons(body: unknown): Reason[] {
  const outer = object(body);
  const correlationId = text(outer.correlationId);
  const listed = [...nestedList(text(outer.message)), ...list(outer.validationResults).map(object)];
  if (listed.length > 0) return listed.map((entry) => toReason(entry, correlationId, outer));
  const errors = list(outer.errors);
  if (errors.length === 0) return [toReason(outer, correlationId, {})];
  return errors.flatMap((entry) => readEntry(object(entry), correlationId, outer));
}

/** The entries of a 207's `errors`, each as the first reason it gives, with the words of all of them. */
export function readErrors(body: unknown): Reason[] {
  const outer = object(body);
  const correlationId = text(outer.correlationId);
  return list(outer.errors).flatMap((entry) => {
    const [first, ...others] = readEntry(object(entry), correlationId, {});
    if (first === undefined) return [];
    const message = [first, ...others].map((reason) => reason.message).join('; ');
    return [{ ...first, message: message.slice(0, MESSAGE_CHARACTERS) }];
  });
}

function readEntry(entry: Fields, correlationId: string | undefined, outer: Fields): Reason[] {
  const nested = nestedList(text(entry.message));
  if (nested.length > 0) return nested.map((inner) => toReason(inner, correlationId, entry));
  return [toReason(entry, correlationId, outer)];
}

function toReason(entry: Fields, correlationId: string | undefined, around: Fields): Reason {
  const context = { ...object(around.context), ...object(entry.context) };
  const message = (text(entry.message) ?? text(around.message) ?? 'HubSpot gives no reason').slice(
    0,
    MESSAGE_CHARACTERS,
  );
  const code = [entry.error, entry.code, entry.subCategory, entry.category, around.category, entry.errorType].find(
    text,
  );
  const property =
    text(entry.name) ?? texts(context.propertyName)[0] ?? coordinate('propertyName', message) ?? text(entry.in);
  const value = quotedValue(message);
  const ownCorrelationId = text(entry.correlationId) ?? text(around.correlationId) ?? correlationId;
  return {
    code: knownCode(text(code) ?? 'REFUSED', message),
    ...(property === undefined ? {} : { property }),
    ...(value === undefined ? {} : { value }),
    message,
    ...(ownCorrelationId === undefined ? {} : { correlationId: ownCorrelationId }),
    traceIds: texts(context.objectWriteTraceId),
    ids: texts(context.ids),
  };
}

/** Some refusals carry no code of their own, only a sentence. */
function knownCode(code: string, message: string): string {
  if (/non-unique .{0,200} property|property .{0,200} (?:is not|must be) unique/i.test(message))
    return 'NON_UNIQUE_ID_PROPERTY';
  if (/^Duplicate IDs found/i.test(message)) return 'DUPLICATE_IDS';
  if (/already has that value/i.test(message)) return 'VALUE_NOT_UNIQUE';
  if (/^Unable to infer object type/i.test(message)) return 'INVALID_OBJECT_TYPE';
  return code;
}

/** `Cannot set PropertyValueCoordinates{…, propertyName=email, value=x@y} on 55. 56 already has that value.` */
function coordinate(name: 'propertyName' | 'value', message: string): string | undefined {
  if (!/^Cannot set PropertyValueCoordinates\{/.test(message)) return undefined;
  const pattern = name === 'value' ? /, value=(.*)\} on /s : /, propertyName=([^,}]*)/;
  return pattern.exec(message)?.[1];
}

/** Sentences of HubSpot that quote a value, as seen in public; each names the value near its beginning. */
const SENTENCES: readonly RegExp[] = [
  /^Email address (.*) is invalid/s,
  /^"?(.*?)"? was not one of the allowed options/s,
  /^"?(.*?)"? was not a valid /s,
  /^"?(.*?)"? is at \d+:\d+:[\d.]+ UTC, not midnight/s,
  /^"?(.*?)"? is not a valid /s,
  /^"(.*)" includes leading or trailing whitespace/s,
  /^A contact with email (.*) already exists/s,
];

function quotedValue(message: string): string | undefined {
  for (const sentence of SENTENCES) {
    const value = sentence.exec(message)?.[1];
    if (value !== undefined) return value;
  }
  return coordinate('value', message);
}

function nestedList(message: string | undefined): Fields[] {
  const from = message?.indexOf('[{') ?? -1;
  if (message === undefined || from < 0) return [];
  try {
    return list(JSON.parse(message.slice(from, message.lastIndexOf(']') + 1))).map(object);
  } catch {
    return [];
  }
}

type Fields = Record<string, unknown>;

function object(value: unknown): Fields {
  return typeof value === 'object' && value !== null && !Array.isArray(value) ? (value as Fields) : {};
}

function list(value: unknown): unknown[] {
  return Array.isArray(value) ? value : [];
}

function text(value: unknown): string | undefined {
  return typeof value === 'string' && value !== '' ? value : undefined;
}

function texts(value: unknown): string[] {
  const values = Array.isArray(value) ? value : [value];
  return values.flatMap((entry) => (typeof entry === 'string' || typeof entry === 'number' ? [String(entry)] : []));
}
