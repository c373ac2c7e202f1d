import fc from 'fast-check';

/** Names that HubSpot's bodies use, so that random JSON gets deep into what reads them. */
const names = [
  'status',
  'message',
  'category',
  'subCategory',
  'code',
  'error',
  'errorType',
  'name',
  'in',
  'context',
  'ids',
  'objectWriteTraceId',
  'propertyName',
  'requiredGranularScopes',
  'policyName',
  'correlationId',
  'errors',
  'results',
  'validationResults',
  'properties',
  'email',
  'id',
  'toString',
  '__proto__',
];

const texts = [
  'x@y.example',
  'Property values were not valid: [{"error":"INVALID_EMAIL","name":"email","message":"Email address x is invalid"}]',
  'Property values were not valid: [{"message":{"a":1},"error":null,"context":[]},null,5]',
  'Cannot set PropertyValueCoordinates{portalId=1, propertyName=email, value=x@y} on 5. 6 already has that value.',
  'Duplicate IDs found in batch input: [1]. IDs must be unique',
  'a [{ b',
];

const { json } = fc.letrec((tie) => ({
  json: fc.oneof(
    { depthSize: 'medium', withCrossShrink: true },
    fc.constantFrom(null, true, false, ...texts),
    fc.string(),
    fc.double({ noNaN: true, noDefaultInfinity: true }),
    fc.array(tie('json'), { maxLength: 4 }),
    fc.dictionary(fc.constantFrom(...names), tie('json'), { maxKeys: 8 }),
  ),
}));

/** Whatever a server may answer: JSON that looks like HubSpot's, any other JSON, or none. */
export const anyBody: fc.Arbitrary<unknown> = fc.oneof(json, fc.jsonValue(), fc.constant(undefined));
