import { type PropertyDefinition, standardDefinitions, typeId, typeName } from './definitions.ts';

export type CrmRecord = {
  id: string;
  properties: Record<string, string>;
  createdAt: string;
  updatedAt: string;
  archived: boolean;
};

type Values = Readonly<Record<string, string>>;

/** A contact's further e-mails, `;` between them; HubSpot finds it by any of them. */
const FURTHER_EMAILS = 'hs_additional_emails';

/**
 * The records and properties of one object type. Unique values are looked up by property and value.
 * Invariant: the index of a unique property holds just the values of living records.
 */
export class ObjectStore {
  readonly typeId: string;
  readonly definitions: Map<string, PropertyDefinition>;
  readonly records = new Map<string, CrmRecord>();
  readonly #unique = new Map<string, Map<string, string>>();
  readonly #nextId: () => string;

  constructor(type: string, nextId: () => string) {
    this.typeId = typeId(type);
    this.definitions = standardDefinitions(type);
    this.#nextId = nextId;
    if (this.definitions.has('email')) this.#unique.set('email', new Map());
  }

  define(definition: PropertyDefinition): void {
    this.definitions.set(definition.name, definition);
    if (definition.hasUniqueValue && !this.#unique.has(definition.name)) this.#unique.set(definition.name, new Map());
  }

  /** Whether records can be found by this property. */
  isUnique(property: string): boolean {
    return this.#unique.has(property) && this.definitions.get(property)?.archived === false;
  }

  find(property: string, value: string): CrmRecord | undefined {
    const id = this.#unique.get(property)?.get(keyOf(property, value));
    return id === undefined ? undefined : this.records.get(id);
  }

  /** The record that holds a unique value of these properties, other than `ownId`, and the property it is. */
  findConflict(values: Values, ownId: string | null): { owner: CrmRecord; property: string; value: string } | null {
    for (const property of this.#unique.keys()) {
      for (const value of uniqueValues(property, values)) {
        const owner = this.find(property, value);
        if (owner !== undefined && owner.id !== ownId) return { owner, property, value };
      }
    }
    return null;
  }

  create(values: Values, now: string): CrmRecord {
    const id = this.#nextId();
    const properties = { createdate: now, hs_object_id: id };
    const record: CrmRecord = { id, properties, createdAt: now, updatedAt: now, archived: false };
    this.records.set(id, record);
    this.write(record, values, now);
    return record;
  }

  write(record: CrmRecord, values: Values, now: string): void {
    this.#unindex(record);
    for (const [name, value] of Object.entries(values)) record.properties[name] = this.#kept(record, name, value);
    const { email, [FURTHER_EMAILS]: further } = record.properties;
    // A further e-mail that becomes the first is no longer among the others.
    if (email !== undefined && further !== undefined)
      record.properties[FURTHER_EMAILS] = split(further)
        .filter((each) => each !== email)
        .join(';');
    record.updatedAt = now;
    for (const [property, index] of this.#unique)
      for (const value of uniqueValues(property, record.properties)) index.set(keyOf(property, value), record.id);
  }

  archive(id: string): void {
    const record = this.records.get(id);
    if (record === undefined) return;
    this.#unindex(record);
    record.archived = true;
    this.records.delete(id);
  }

  #unindex(record: CrmRecord): void {
    for (const [property, index] of this.#unique) {
      for (const value of uniqueValues(property, record.properties)) {
        const key = keyOf(property, value);
        if (index.get(key) === record.id) index.delete(key);
      }
    }
  }

  /** What HubSpot keeps of a value that is written. */
  #kept(record: CrmRecord, name: string, value: string): string {
    if (name === 'email' || name === FURTHER_EMAILS) return value.trim().toLowerCase();
    const before = record.properties[name] ?? '';
    const definition = this.definitions.get(name);
    if (name === 'lifecyclestage') {
      const place = (stage: string) => definition?.options.findIndex((option) => option.value === stage) ?? -1;
      return value !== '' && place(value) < place(before) ? before : value;
    }
    // A leading semicolon adds to what is chosen already.
    if (definition?.fieldType === 'checkbox' && value.startsWith(';'))
      return [...new Set([...split(before), ...split(value)])].join(';');
    return value;
  }
}

function uniqueValues(property: string, values: Values): string[] {
  const value = values[property];
  const further = property === 'email' ? split(values[FURTHER_EMAILS] ?? '') : [];
  return value === undefined || value === '' ? further : [value, ...further];
}

function split(list: string): string[] {
  return list.split(';').filter((each) => each !== '');
}

function keyOf(property: string, value: string): string {
  return property === 'email' ? value.trim().toLowerCase() : value;
}

/** One HubSpot account. */
export class Portal {
  readonly #stores = new Map<string, ObjectStore>();
  #lastId = 552_148_386_510;

  /** Undefined for a type HubSpot does not have. */
  store(type: string): ObjectStore | undefined {
    const name = typeName(type);
    if (name === null) return undefined;
    const known = this.#stores.get(name);
    if (known !== undefined) return known;
    const made = new ObjectStore(name, () => String(++this.#lastId));
    this.#stores.set(name, made);
    return made;
  }
}
