import { randomUUID } from 'node:crypto';
import { type Reply, refusal } from './answers.ts';
import type { SandboxOptions } from './options.ts';
import type { CrmRecord, ObjectStore } from './portal.ts';
import { type Invalid, validate } from './validate.ts';

export type Input = {
  id?: string;
  idProperty?: string;
  objectWriteTraceId?: string;
  properties?: Record<string, string>;
};

export type Operation = 'upsert' | 'update' | 'create';

type Written = { record: CrmRecord; input: Input; isNew: boolean };
type Refused = { input: Input; body: Record<string, unknown>; status: 400 | 409 | 404 };

/** What a batch may be sent with; else everything of it is refused. */
export function refuseBatch(
  inputs: readonly Input[],
  operation: Operation | 'read' | 'archive',
  store: ObjectStore,
): Reply | null {
  if (inputs.length === 0) return refusal('No inputs');
  if (inputs.length > 100) return refusal('The maximum number of inputs supported in a batch is 100');
  const wrong = inputs.find(({ idProperty }) => !identifies(idProperty, operation, store));
  if (wrong !== undefined)
    return refusal(
      `Unable to perform update/upsert by non-unique ${store.typeId} property ${wrong.idProperty ?? 'hs_object_id'}`,
    );
  if (operation !== 'upsert' && operation !== 'update') return null;
  const ids = inputs.map(({ id, idProperty }) =>
    idProperty === 'email' ? String(id).trim().toLowerCase() : String(id),
  );
  const seen = new Set<string>();
  const twice = ids.find((id) => seen.size === seen.add(id).size);
  if (twice === undefined) return null;
  return refusal(`Duplicate IDs found in batch input: [${twice}]. IDs must be unique`, { context: { ids: [twice] } });
}

/** An update takes record ids or a custom property with unique values; only an upsert takes e-mails too. */
function identifies(property: string | undefined, operation: Operation | 'read' | 'archive', store: ObjectStore) {
  if (property === undefined) return operation !== 'upsert';
  if (operation === 'update') return store.isUnique(property) && property !== 'email';
  return operation === 'create' || operation === 'archive' || store.isUnique(property);
}

/**
 * Writes a batch. With a trace id on every input it answers record by record; else, or when it is told to refuse
 * whole batches, one bad record refuses all and nothing is written.
 */
export function writeBatch(
  inputs: readonly Input[],
  operation: Operation,
  store: ObjectStore,
  options: SandboxOptions,
  now: string,
): Reply {
  const refused = refuseBatch(inputs, operation, store);
  if (refused !== null) return refused;
  const traces = new Set(inputs.map(({ objectWriteTraceId }) => objectWriteTraceId));
  const isTraced = !traces.has(undefined) && traces.size === inputs.length;
  if (!isTraced || options.refusals !== 'records') {
    const bad = inputs.flatMap((input) => inspect(input, operation, store, options) ?? []).filter(isRefusal);
    const clash = bad.length > 0 ? bad : findClash(inputs, operation, store, options);
    if (clash.length > 0) return refuseWhole(clash, options);
  }
  const written: Written[] = [];
  const errors: Refused[] = [];
  for (const input of inputs) {
    const bad = inspect(input, operation, store, options);
    if (bad !== null) errors.push(bad);
    else written.push(write(input, operation, store, now));
  }
  return answer(written, errors, options);
}

/** Unknown ids are named record by record whatever the batch; they make nobody else's write fail. */
function isRefusal({ status }: Refused): boolean {
  return status !== 404;
}

/** Two inputs of one batch that want the same unique value. */
function findClash(
  inputs: readonly Input[],
  operation: Operation,
  store: ObjectStore,
  options: SandboxOptions,
): Refused[] {
  if (operation === 'upsert') return [];
  const seen = new Set<string>();
  return inputs
    .filter((input) => {
      const value = input.properties?.email?.trim().toLowerCase();
      if (value === undefined || value === '' || !store.isUnique('email')) return false;
      const isTwice = seen.has(value);
      seen.add(value);
      return isTwice;
    })
    .map((input) => conflict(input, 'email', input.properties?.email ?? '', null, '0', options));
}

function inspect(input: Input, operation: Operation, store: ObjectStore, options: SandboxOptions): Refused | null {
  const properties = input.properties ?? {};
  const invalid = validate(properties, store.definitions);
  const own = ownRecord(input, operation, store);
  if (operation === 'update' && own === undefined) return { input, status: 404, body: notFound([String(input.id)]) };
  if (operation === 'upsert' && input.idProperty === 'email') {
    invalid.push(
      ...validate({ email: String(input.id) }, store.definitions).filter(
        ({ message }) => !invalid.some((each) => each.message === message),
      ),
    );
  }
  if (invalid.length > 0) return { input, status: 400, body: invalidBody(invalid) };
  const held = store.findConflict(properties, own?.id ?? null);
  return held === null ? null : conflict(input, held.property, held.value, own?.id ?? null, held.owner.id, options);
}

function ownRecord({ id, idProperty }: Input, operation: Operation, store: ObjectStore): CrmRecord | undefined {
  if (operation === 'create') return undefined;
  if (operation === 'update' && idProperty === undefined) return store.records.get(String(id));
  return store.find(idProperty ?? '', String(id));
}

function write(input: Input, operation: Operation, store: ObjectStore, now: string): Written {
  const { id, idProperty = '', properties = {} } = input;
  const own = ownRecord(input, operation, store);
  const { [idProperty]: _, ...others } = properties;
  if (own === undefined) {
    const key = operation === 'upsert' ? { [idProperty]: String(id) } : {};
    return {
      record: store.create(operation === 'upsert' ? { ...others, ...key } : properties, now),
      input,
      isNew: true,
    };
  }
  // An upsert cannot change what it finds the record by.
  store.write(own, operation === 'upsert' ? others : properties, now);
  return { record: own, input, isNew: false };
}

function conflict(
  input: Input,
  property: string,
  value: string,
  ownId: string | null,
  ownerId: string,
  options: SandboxOptions,
): Refused {
  if (options.conflicts === 409)
    return { input, status: 409, body: { status: 'error', message: 'Contact already exists', category: 'CONFLICT' } };
  const message = `Cannot set PropertyValueCoordinates{portalId=123, objectTypeId=ObjectTypeId{legacyObjectType=CONTACT}, propertyName=${property}, value=${value}} on ${ownId ?? 'a new object'}. ${ownerId} already has that value.`;
  return { input, status: 400, body: { status: 'error', message, category: 'VALIDATION_ERROR' } };
}

function invalidBody(invalid: readonly Invalid[]): Record<string, unknown> {
  return {
    status: 'error',
    category: 'VALIDATION_ERROR',
    message: `Property values were not valid: ${JSON.stringify(invalid)}`,
    errors: invalid
      .slice(0, 1)
      .map(({ message, error, name }) => ({ message, code: error, context: { propertyName: [name] } })),
  };
}

function refuseWhole(bad: readonly Refused[], { refusals }: SandboxOptions): Reply {
  const [first] = bad;
  const status = first?.status === 409 ? 409 : 400;
  if (refusals === 'silent' && status === 400) return refusal('Invalid input (details will vary based on the error)');
  return { status, body: { ...first?.body, correlationId: randomUUID() } };
}

function answer(written: readonly Written[], errors: readonly Refused[], options: SandboxOptions): Reply {
  const results = written.map(({ record, input, isNew }) => ({
    id: record.id,
    properties: { ...record.properties },
    createdAt: record.createdAt,
    updatedAt: record.updatedAt,
    archived: false,
    new: isNew,
    ...(options.echoTraceIds ? { objectWriteTraceId: input.objectWriteTraceId } : {}),
  }));
  // In any order, as HubSpot's come.
  results.sort(() => Math.random() - 0.5);
  if (errors.length === 0) return { status: 200, body: { status: 'COMPLETE', results } };
  const missing = errors.filter((error) => !isRefusal(error)).map(({ input }) => String(input.id));
  const said = errors.filter(isRefusal).map(({ input, body }) => ({
    ...body,
    errors: undefined,
    context: { ...(body.context as object), objectWriteTraceId: [input.objectWriteTraceId] },
  }));
  return partly(results, missing.length === 0 ? said : [...said, notFound(missing)]);
}

/** 207: some were done, and what was not is named. */
export function partly(results: unknown[], errors: object[]): Reply {
  return { status: 207, body: { status: 'COMPLETE', results, numErrors: errors.length, errors } };
}

export function notFound(ids: string[]): Record<string, unknown> {
  return {
    status: 'error',
    category: 'OBJECT_NOT_FOUND',
    message: 'Could not get some CONTACT objects, they may be deleted or not exist. Check that ids are valid.',
    context: { ids },
  };
}
