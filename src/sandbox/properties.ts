import { problem, type Reply, refusal } from './answers.ts';
import { define, type PropertyDefinition, type Short, TYPES_OF_VALUES } from './definitions.ts';
import type { ObjectStore } from './portal.ts';

const MOST_UNIQUE = 10;

type Call = { method: string; name: string | undefined; query: URLSearchParams; body: unknown };

/** `/crm/v3/properties/{type}` and `…/{name}`: list, read, create, change, archive. */
export function answerProperties(store: ObjectStore, { method, name, query, body }: Call): Reply {
  if (name !== undefined) return answerProperty(store, method, name, body);
  switch (method) {
    case 'GET': {
      const isArchived = query.get('archived') === 'true';
      const results = [...store.definitions.values()].filter(({ archived }) => archived === isArchived);
      return { status: 200, body: { results } };
    }
    case 'POST': {
      const made = createAll(store, [body]);
      return Array.isArray(made) ? { status: 201, body: made[0] } : made;
    }
    default:
      return problem(405, 'METHOD_NOT_ALLOWED', 'HTTP method not allowed');
  }
}

/** `/crm/v3/properties/{type}/batch/{operation}` */
export function answerPropertyBatch(store: ObjectStore, operation: string, body: unknown): Reply {
  const { inputs } = (body ?? {}) as { inputs?: unknown };
  if (!Array.isArray(inputs)) return refusal('Invalid input JSON on line 1, column 1: inputs is required');
  switch (operation) {
    case 'create': {
      const made = createAll(store, inputs);
      return Array.isArray(made) ? { status: 201, body: { status: 'COMPLETE', results: made } } : made;
    }
    case 'archive':
      for (const input of inputs as { name?: unknown }[]) archive(store, String(input?.name));
      return { status: 204 };
    default:
      return problem(404, 'OBJECT_NOT_FOUND', `No batch ${operation} of properties`);
  }
}

function answerProperty(store: ObjectStore, method: string, name: string, body: unknown): Reply {
  const definition = store.definitions.get(name);
  if (definition === undefined || definition.archived)
    return problem(404, 'OBJECT_NOT_FOUND', `Property "${name}" does not exist`);
  switch (method) {
    case 'GET':
      return { status: 200, body: definition };
    case 'PATCH': {
      // Whether values are unique is settled when a property is made.
      const { hasUniqueValue: _, ...changes } = (body ?? {}) as Partial<Short>;
      store.define(changed(definition, changes));
      return { status: 200, body: store.definitions.get(name) };
    }
    case 'DELETE':
      archive(store, name);
      return { status: 204 };
    default:
      return problem(405, 'METHOD_NOT_ALLOWED', 'HTTP method not allowed');
  }
}

/** What stands in a call or a control laid over a definition. */
export function changed(definition: PropertyDefinition, changes: Partial<Short>): PropertyDefinition {
  const { calculated, archived } = definition;
  return define({
    ...definition,
    isReadOnly: definition.modificationMetadata.readOnlyValue,
    calculated,
    archived,
    ...changes,
    name: definition.name,
  });
}

export function archive(store: ObjectStore, name: string): boolean {
  const definition = store.definitions.get(name);
  if (definition === undefined || definition.archived) return false;
  store.define({ ...definition, archived: true });
  return true;
}

function createAll(store: ObjectStore, inputs: readonly unknown[]): PropertyDefinition[] | Reply {
  for (const input of inputs) {
    const refused = refuseNew(store, (input ?? {}) as Partial<Short>);
    if (refused !== null) return refused;
  }
  const made = inputs.map((input) => define(input as Short));
  for (const definition of made) store.define(definition);
  return made;
}

function refuseNew(store: ObjectStore, { name, type = 'string', hasUniqueValue }: Partial<Short>): Reply | null {
  if (typeof name !== 'string' || !/^[a-z][a-z0-9_]*$/.test(name))
    return refusal('Property name must start with a letter and hold only lower-case letters, digits and underscores');
  if (!TYPES_OF_VALUES.includes(type)) return refusal(`Cannot build property: ${type} is no type`);
  const known = store.definitions.get(name);
  if (known !== undefined && !known.archived)
    return problem(409, 'OBJECT_ALREADY_EXISTS', `A property named '${name}' already exists.`);
  const unique = [...store.definitions.values()].filter((each) => each.hasUniqueValue && !each.archived);
  return hasUniqueValue === true && unique.length >= MOST_UNIQUE
    ? refusal(`The maximum number of properties with unique values is ${MOST_UNIQUE}`)
    : null;
}
