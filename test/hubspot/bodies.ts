/** Answers of HubSpot as people met them, and what each says. `reasons` is for refusals, `errors` for a 207's entries. */
export type Fixture = {
  title: string;
  status: number;
  body: unknown;
  headers?: Record<string, string>;
  verdict: { kind: string; code?: string; delayMs?: number };
  reasons?: Said[];
  errors?: Said[];
};

type Said = {
  code: string;
  property?: string;
  value?: string;
  message?: string;
  correlationId?: string;
  ids?: string[];
  traceIds?: string[];
};

const correlationId = '8a3f6c3a-4a1e-4f6e-9d1c-0f8f0e8d5a11';

/** `message` is text with JSON inside. */
function notValid(...invalid: { message: string; error: string; name: string }[]): Record<string, unknown> {
  const listed = invalid.map((each) => ({
    isValid: false,
    ...each,
    localizedErrorMessage: each.message,
    portalId: 123,
  }));
  return {
    status: 'error',
    message: `Property values were not valid: ${JSON.stringify(listed)}`,
    correlationId,
    category: 'VALIDATION_ERROR',
  };
}

/** Whole batches refused, for a value that the message quotes. */
export const quoting: Fixture[] = [
  {
    title: 'an e-mail address',
    status: 400,
    body: notValid({ message: 'Email address example.lcom is invalid', error: 'INVALID_EMAIL', name: 'email' }),
    verdict: { kind: 'refused' },
    reasons: [{ code: 'INVALID_EMAIL', property: 'email', value: 'example.lcom', correlationId }],
  },
  {
    title: 'an option, with every option there is by value',
    status: 400,
    body: notValid({
      message: 'Reports [old] was not one of the allowed options: [PRODUCT_ISSUE, BILLING_ISSUE]',
      error: 'INVALID_OPTION',
      name: 'hs_ticket_category',
    }),
    verdict: { kind: 'refused' },
    reasons: [{ code: 'INVALID_OPTION', property: 'hs_ticket_category', value: 'Reports [old]' }],
  },
  {
    title: 'an option, with every option there is in full',
    status: 400,
    body: notValid({
      message: `Less than 5,000 (small) was not one of the allowed options: [${Array.from(
        { length: 400 },
        (_, at) => `label: "${at},000"\nvalue: "${at},000"\ndisplay_order: ${at}\nhidden: false\nread_only: false\n`,
      ).join(', ')}]`,
      error: 'INVALID_OPTION',
      name: 'monthly_visitors',
    }),
    verdict: { kind: 'refused' },
    reasons: [{ code: 'INVALID_OPTION', property: 'monthly_visitors', value: 'Less than 5,000 (small)' }],
  },
  {
    title: 'a whole number',
    status: 400,
    body: notValid({ message: '12 apples was not a valid integer.', error: 'INVALID_INTEGER', name: 'apples' }),
    verdict: { kind: 'refused' },
    reasons: [{ code: 'INVALID_INTEGER', property: 'apples', value: '12 apples' }],
  },
  {
    title: 'a number',
    status: 400,
    body: notValid({ message: '1/1/1 was not a valid long.', error: 'INVALID_LONG', name: 'score' }),
    verdict: { kind: 'refused' },
    reasons: [{ code: 'INVALID_LONG', property: 'score', value: '1/1/1' }],
  },
  {
    title: 'a date with a time of day',
    status: 400,
    body: notValid({
      message: '1444444444000 is at 02:34:04.0 UTC, not midnight!',
      error: 'INVALID_DATE',
      name: 'member_since',
    }),
    verdict: { kind: 'refused' },
    reasons: [{ code: 'INVALID_DATE', property: 'member_since', value: '1444444444000' }],
  },
  {
    title: 'a value with space around it',
    status: 400,
    body: notValid({
      message: '" 12 " includes leading or trailing whitespace.',
      error: 'LEADING_TRAILING_WHITESPACE',
      name: 'score',
    }),
    verdict: { kind: 'refused' },
    reasons: [{ code: 'LEADING_TRAILING_WHITESPACE', property: 'score', value: ' 12 ' }],
  },
  {
    title: 'several values, of which errors[] repeats one',
    status: 400,
    body: {
      ...notValid(
        { message: 'Email address a@b is invalid', error: 'INVALID_EMAIL', name: 'email' },
        { message: 'soon was not a valid long.', error: 'INVALID_LONG', name: 'score' },
      ),
      errors: [
        { message: 'Email address a@b is invalid', code: 'INVALID_EMAIL', context: { propertyName: ['email'] } },
      ],
    },
    verdict: { kind: 'refused' },
    reasons: [
      { code: 'INVALID_EMAIL', property: 'email', value: 'a@b', correlationId },
      { code: 'INVALID_LONG', property: 'score', value: 'soon', correlationId },
    ],
  },
  {
    title: 'a value, listed beside the message',
    status: 400,
    body: {
      validationResults: [
        { isValid: false, message: 'abc was not a valid long.', error: 'INVALID_LONG', name: 'score' },
      ],
      status: 'error',
      message: 'Property values were not valid',
      correlationId,
    },
    verdict: { kind: 'refused' },
    reasons: [{ code: 'INVALID_LONG', property: 'score', value: 'abc', correlationId }],
  },
  {
    title: 'a unique value that another record holds',
    status: 400,
    body: {
      status: 'error',
      message:
        'Cannot set PropertyValueCoordinates{portalId=44956899, objectTypeId=ObjectTypeId{legacyObjectType=CONTACT}, propertyName=email, value=x@y.example} on 552148386511. 552239500007 already has that value.',
      category: 'VALIDATION_ERROR',
    },
    verdict: { kind: 'refused' },
    reasons: [{ code: 'VALUE_NOT_UNIQUE', property: 'email', value: 'x@y.example' }],
  },
  {
    title: 'an e-mail address that another contact has',
    status: 409,
    body: {
      status: 'error',
      message: 'Contact already exists. Existing ID: 2926551',
      errors: [{ message: 'A contact with email lee@xyz.example already exists. Existing ID: 2926551', in: 'email' }],
      correlationId,
      category: 'OBJECT_ALREADY_EXISTS',
      error: 'CONTACT_EXISTS',
    },
    verdict: { kind: 'refused' },
    reasons: [{ code: 'OBJECT_ALREADY_EXISTS', property: 'email', value: 'lee@xyz.example', correlationId }],
  },
];

/** Whole batches refused for a record that the body does not tell from others by a value. */
export const refusing: Fixture[] = [
  {
    title: 'ids that stand in the batch twice',
    status: 400,
    body: {
      status: 'error',
      message: 'Duplicate IDs found in batch input: [123456]. IDs must be unique',
      context: { ids: ['123456'] },
      category: 'VALIDATION_ERROR',
      correlationId,
    },
    verdict: { kind: 'refused' },
    reasons: [{ code: 'DUPLICATE_IDS', ids: ['123456'], correlationId }],
  },
  {
    title: 'a conflict',
    status: 409,
    body: { status: 'error', message: 'Contact already exists', category: 'CONFLICT', correlationId },
    verdict: { kind: 'refused' },
    reasons: [{ code: 'CONFLICT', message: 'Contact already exists', correlationId }],
  },
  {
    title: 'more inputs than a batch may have',
    status: 400,
    body: {
      status: 'error',
      message: 'The maximum number of inputs supported in a batch is 100',
      category: 'VALIDATION_ERROR',
    },
    verdict: { kind: 'refused' },
    reasons: [{ code: 'VALIDATION_ERROR' }],
  },
  {
    title: 'a property that a record must have',
    status: 400,
    body: notValid({ message: 'Property "plan" is required', error: 'MISSING_REQUIRED_PROPERTY', name: 'plan' }),
    verdict: { kind: 'refused' },
    reasons: [{ code: 'MISSING_REQUIRED_PROPERTY', property: 'plan' }],
  },
  {
    title: 'a property that some records must have',
    status: 400,
    body: notValid({
      message: 'Property "plan" is required when "tier" is "gold"',
      error: 'MISSING_CONDITIONAL_REQUIRED_PROPERTY',
      name: 'plan',
    }),
    verdict: { kind: 'refused' },
    reasons: [{ code: 'MISSING_CONDITIONAL_REQUIRED_PROPERTY', property: 'plan' }],
  },
  {
    title: 'a rule of the account that quotes nothing',
    status: 400,
    body: notValid({ message: 'Enter only letters', error: 'INVALID_ALPHA', name: 'firstname' }),
    verdict: { kind: 'refused' },
    reasons: [{ code: 'INVALID_ALPHA', property: 'firstname' }],
  },
];

/** Whole batches refused although no record is at fault. */
export const ofMapping: Fixture[] = [
  {
    title: 'a property that does not exist',
    status: 400,
    body: {
      ...notValid({
        message: 'Property "testproperty" does not exist',
        error: 'PROPERTY_DOESNT_EXIST',
        name: 'testproperty',
      }),
      errors: [
        {
          message: 'Property "testproperty" does not exist',
          code: 'PROPERTY_DOESNT_EXIST',
          context: { propertyName: ['testproperty'] },
        },
      ],
    },
    verdict: { kind: 'mapping', code: 'PROPERTY_DOESNT_EXIST' },
    reasons: [{ code: 'PROPERTY_DOESNT_EXIST', property: 'testproperty', correlationId }],
  },
  {
    title: 'a property that does not exist, and a value',
    status: 400,
    body: notValid(
      { message: 'soon was not a valid long.', error: 'INVALID_LONG', name: 'score' },
      { message: 'Property "gone" does not exist', error: 'PROPERTY_DOESNT_EXIST', name: 'gone' },
    ),
    verdict: { kind: 'mapping', code: 'PROPERTY_DOESNT_EXIST' },
    reasons: [
      { code: 'INVALID_LONG', property: 'score', value: 'soon' },
      { code: 'PROPERTY_DOESNT_EXIST', property: 'gone' },
    ],
  },
  {
    title: 'a property that is read-only',
    status: 400,
    body: notValid({
      message: '"createdate" is a read only property; its value cannot be set.',
      error: 'READ_ONLY_VALUE',
      name: 'createdate',
    }),
    verdict: { kind: 'mapping', code: 'READ_ONLY_VALUE' },
    reasons: [{ code: 'READ_ONLY_VALUE', property: 'createdate' }],
  },
  {
    title: 'a property that identifies nobody',
    status: 400,
    body: {
      status: 'error',
      message: 'Unable to perform update/upsert by non-unique 0-2 property domain',
      category: 'VALIDATION_ERROR',
    },
    verdict: { kind: 'mapping', code: 'NON_UNIQUE_ID_PROPERTY' },
    reasons: [{ code: 'NON_UNIQUE_ID_PROPERTY' }],
  },
  {
    title: 'an object type that does not exist',
    status: 400,
    body: { status: 'error', message: 'Unable to infer object type from: contatcs', category: 'INVALID_OBJECT_TYPE' },
    verdict: { kind: 'mapping', code: 'INVALID_OBJECT_TYPE' },
    reasons: [{ code: 'INVALID_OBJECT_TYPE' }],
  },
];

const rateLimit = (policyName: string) => ({
  status: 'error',
  message: `You have reached your ${policyName.toLowerCase()} limit.`,
  errorType: 'RATE_LIMIT',
  correlationId,
  policyName,
});

/** Nothing about a record or the mapping. */
export const ofEverybody: Fixture[] = [
  ...['INVALID_AUTHENTICATION', 'EXPIRED_AUTHENTICATION'].map(
    (category): Fixture => ({
      title: category,
      status: 401,
      body: { status: 'error', message: 'Authentication credentials not found.', correlationId, category },
      verdict: { kind: 'account', code: category },
    }),
  ),
  {
    title: 'missing scopes',
    status: 403,
    body: {
      status: 'error',
      message: "This app hasn't been granted all required scopes to make this call.",
      correlationId,
      errors: [
        {
          message: 'One or more of the following scopes are required.',
          context: { requiredGranularScopes: ['crm.objects.contacts.write'] },
        },
      ],
      category: 'MISSING_SCOPES',
    },
    verdict: { kind: 'account', code: 'MISSING_SCOPES' },
  },
  {
    title: 'locked for a moment',
    status: 423,
    body: { status: 'error', message: 'Locked', category: 'LOCKED' },
    verdict: { kind: 'wait', delayMs: 2_000 },
  },
  {
    title: 'the limit of a second',
    status: 429,
    body: rateLimit('SECONDLY'),
    verdict: { kind: 'wait', code: 'SECONDLY', delayMs: 1_000 },
  },
  {
    title: 'the limit of ten seconds',
    status: 429,
    body: rateLimit('TEN_SECONDLY_ROLLING'),
    verdict: { kind: 'wait', code: 'TEN_SECONDLY_ROLLING', delayMs: 10_000 },
  },
  {
    title: 'the limit of ten seconds, with a sane Retry-After',
    status: 429,
    body: rateLimit('TEN_SECONDLY_ROLLING'),
    headers: { 'retry-after': '17' },
    verdict: { kind: 'wait', code: 'TEN_SECONDLY_ROLLING', delayMs: 17_000 },
  },
  {
    title: 'the limit of ten seconds, with a mad Retry-After',
    status: 429,
    body: rateLimit('TEN_SECONDLY_ROLLING'),
    headers: { 'retry-after': '31536000' },
    verdict: { kind: 'wait', code: 'TEN_SECONDLY_ROLLING', delayMs: 60_000 },
  },
  { title: 'the limit of a day', status: 429, body: rateLimit('DAILY'), verdict: { kind: 'wait', code: 'DAILY' } },
  {
    title: 'a limit that HubSpot does not name',
    status: 429,
    body: undefined,
    verdict: { kind: 'wait', delayMs: 10_000 },
  },
  {
    title: 'a migration of two hours',
    status: 477,
    body: undefined,
    headers: { 'retry-after': '7200' },
    verdict: { kind: 'wait', delayMs: 7_200_000 },
  },
  ...[500, 502, 503, 504, 521, 522, 523, 524, 525, 526].map(
    (status): Fixture => ({
      title: `a HubSpot in trouble: ${status}`,
      status,
      body: undefined,
      verdict: { kind: 'fault', code: `HTTP_${status}` },
    }),
  ),
  {
    title: 'too many properties for a GET',
    status: 414,
    body: undefined,
    verdict: { kind: 'mapping', code: 'URI_TOO_LONG' },
  },
  { title: 'HTML for an answer', status: 200, body: undefined, verdict: { kind: 'silent' } },
  { title: 'an empty object for an answer', status: 200, body: {}, verdict: { kind: 'silent' } },
  { title: 'accepted, and no word of the result', status: 202, body: undefined, verdict: { kind: 'silent' } },
];

const times = { createdAt: '2026-11-03T10:00:00Z', updatedAt: '2026-11-03T10:00:00Z', archived: false };

/** Answers that speak of each input. */
export const answered: Fixture[] = [
  {
    title: 'one written, one refused',
    status: 207,
    body: {
      status: 'COMPLETE',
      results: [{ id: '12345', properties: { email: 'ok@example.com' }, ...times, new: true }],
      numErrors: 1,
      errors: [
        {
          ...notValid({ message: 'Email address example.lcom is invalid', error: 'INVALID_EMAIL', name: 'email' }),
          context: { objectWriteTraceId: ['5002'] },
        },
      ],
    },
    verdict: { kind: 'answered' },
    errors: [{ code: 'INVALID_EMAIL', property: 'email', value: 'example.lcom', traceIds: ['5002'], correlationId }],
  },
  {
    title: 'an update of an unknown id',
    status: 207,
    body: {
      status: 'COMPLETE',
      results: [],
      numErrors: 1,
      errors: [
        {
          status: 'error',
          category: 'OBJECT_NOT_FOUND',
          message: 'Could not get some CONTACT objects, they may be deleted or not exist. Check that ids are valid.',
          context: { ids: ['unknownIdentifier888'] },
        },
      ],
    },
    verdict: { kind: 'answered' },
    errors: [{ code: 'OBJECT_NOT_FOUND', ids: ['unknownIdentifier888'] }],
  },
  {
    title: 'everything written, and accepted with 201',
    status: 201,
    body: { status: 'COMPLETE', results: [{ id: '1', properties: {}, ...times }] },
    verdict: { kind: 'answered' },
    errors: [],
  },
];
