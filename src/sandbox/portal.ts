import { type PropertyDefinition, standardDefinitions, typeName } from './definitions.ts';

export type CrmRecord = {
  id: string;
  properties: Record<string, string>;
  createdAt: string;
  updatedAt: string;
  archived: boolean;
};

/** The records and properties of one object type. Unique values are looked up by property and value. */
export class ObjectStore {
  readonly definitions: Map<string, PropertyDefinition>;
  readonly records = new Map<string, CrmRecord>();
  readonly #unique = new Map<string, Map<string, string>>();
  readonly #nextId: () => string;

  constructor(type: string, nextId: () => string) {
    this.definitions = standardDefinitions(type);
    this.#nextId = nextId;
    if (this.definitions.has('email')) this.#unique.set('email', new Map());
  }

  /** Whether records can be found by this property. */
  isUnique(property: string): boolean {
    if (this.definitions.get(property)?.hasUniqueValue && !this.#unique.has(property))
      this.#unique.set(property, new Map());
    return this.#unique.has(property);
  }

  find(property: string, value: string): CrmRecord | undefined {
    const id = this.#unique.get(property)?.get(keyOf(property, value));
    return id === undefined ? undefined : this.records.get(id);
  }

  /** The record that holds a unique value of these properties, other than `ownId`, and the property it is. */
  findConflict(
    properties: Readonly<Record<string, string>>,
    ownId: string | null,
  ): { owner: CrmRecord; property: string; value: string } | null {
    for (const property of this.#uniqueNames()) {
      const value = properties[property];
      const owner = value === undefined || value === '' ? undefined : this.find(property, value);
      if (value !== undefined && owner !== undefined && owner.id !== ownId) return { owner, property, value };
    }
    return null;
  }

  create(properties: Readonly<Record<string, string>>, now: string): CrmRecord {
    const id = this.#nextId();
    const record: CrmRecord = {
      id,
      properties: { createdate: now, hs_object_id: id },
      createdAt: now,
      updatedAt: now,
      archived: false,
    };
    this.records.set(id, record);
    this.write(record, properties, now);
    return record;
  }

  write(record: CrmRecord, properties: Readonly<Record<string, string>>, now: string): void {
    for (const property of this.#uniqueNames()) {
      if (properties[property] !== undefined) this.#reindex(record, property, properties[property]);
    }
    for (const [name, value] of Object.entries(properties))
      record.properties[name] = name === 'email' ? value.trim().toLowerCase() : value;
    record.updatedAt = now;
  }

  archive(id: string): void {
    const record = this.records.get(id);
    if (record === undefined) return;
    for (const property of this.#uniqueNames()) this.#reindex(record, property, '');
    record.archived = true;
    this.records.delete(id);
  }

  #uniqueNames(): string[] {
    return [...this.definitions.values()].filter(({ name }) => this.isUnique(name)).map(({ name }) => name);
  }

  #reindex(record: CrmRecord, property: string, value: string): void {
    const index = this.#unique.get(property);
    const before = record.properties[property];
    if (before !== undefined && index?.get(keyOf(property, before)) === record.id)
      index.delete(keyOf(property, before));
    if (value !== '') index?.set(keyOf(property, value), record.id);
  }
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
