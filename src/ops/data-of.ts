/**
 * The TypeScript type of data that fits a JSON Schema, for the keywords that most schemas consist of: `type`, `properties`,
 * `required`, `additionalProperties`, `items`, `prefixItems`, `minItems`, `enum`, `const`, `anyOf`, `oneOf`, `allOf`, and `$ref`
 * to `#`, `#/$defs/…` or `#/definitions/…`.
 *
 * It says no more than the schema does: where that has no `type`, any other data fits too, and the type is `unknown`. What a
 * type cannot say, such as `minimum` or `pattern`, is left out.
 */
export type DataOf<Schema> = Of<Schema, Schema>;

type Of<Schema, Root> = Schema extends false
  ? never
  : Schema extends { readonly const: infer Value }
    ? Value
    : Schema extends { readonly enum: readonly (infer Value)[] }
      ? Value
      : Schema extends { readonly $ref: infer Ref }
        ? Of<Referred<Ref, Root>, Root>
        : OfType<Schema, Root> & OfAny<Schema, Root> & OfOne<Schema, Root> & OfAll<Schema, Root>;

type Referred<Ref, Root> = Ref extends '#'
  ? Root
  : Ref extends `#/${infer Place extends '$defs' | 'definitions'}/${infer Name}`
    ? Root extends { readonly [P in Place]: { readonly [N in Name]: infer Schema } }
      ? Schema
      : true
    : true;

type OfAny<Schema, Root> = Schema extends { readonly anyOf: readonly (infer Each)[] } ? EachOf<Each, Root> : unknown;
type OfOne<Schema, Root> = Schema extends { readonly oneOf: readonly (infer Each)[] } ? EachOf<Each, Root> : unknown;
type EachOf<Schema, Root> = Schema extends unknown ? Of<Schema, Root> : never;

type OfAll<Schema, Root> = Schema extends { readonly allOf: infer Schemas } ? Together<Schemas, Root> : unknown;
type Together<Schemas, Root> = Schemas extends readonly [infer First, ...infer Rest]
  ? Of<First, Root> & Together<Rest, Root>
  : unknown;

type OfType<Schema, Root> = Schema extends { readonly type: infer Type }
  ? Type extends readonly (infer Each)[]
    ? Named<Each, Schema, Root>
    : Named<Type, Schema, Root>
  : unknown;

type Named<Type, Schema, Root> = Type extends 'string'
  ? string
  : Type extends 'number' | 'integer'
    ? number
    : Type extends 'boolean'
      ? boolean
      : Type extends 'null'
        ? null
        : Type extends 'array'
          ? ListOf<Schema, Root>
          : Type extends 'object'
            ? ObjectOf<Schema, Root>
            : unknown;

type ListOf<Schema, Root> = Schema extends { readonly prefixItems: infer First extends readonly unknown[] }
  ? [...Begin<Each<First, Root>, Schema>, ...Rest<Schema, Root>]
  : Schema extends { readonly items: infer Item }
    ? Of<Item, Root>[]
    : unknown[];
type Each<Schemas extends readonly unknown[], Root> = { -readonly [At in keyof Schemas]: Of<Schemas[At], Root> };
/** An array may end before them, unless `minItems` says how many there are. */
type Begin<Items extends unknown[], Schema> = Schema extends { readonly minItems: Items['length'] }
  ? Items
  : Partial<Items>;
type Rest<Schema, Root> = Schema extends { readonly items: infer Item }
  ? Item extends false
    ? []
    : Of<Item, Root>[]
  : unknown[];

type ObjectOf<Schema, Root> = Schema extends { readonly properties: infer Properties }
  ? Flat<
      { [Name in keyof Properties as Name & RequiredOf<Schema>]: Of<Properties[Name], Root> } & {
        [Name in keyof Properties as Exclude<Name, RequiredOf<Schema>>]?: Of<Properties[Name], Root>;
      } & { [Name in Exclude<RequiredOf<Schema>, keyof Properties>]: unknown }
    >
  : Schema extends { readonly additionalProperties: infer Others }
    ? { [name: string]: Of<Others, Root> }
    : { [name: string]: unknown };
type RequiredOf<Schema> = Schema extends { readonly required: readonly (infer Name extends string)[] } ? Name : never;
/** One object type, as one would write it by hand. */
type Flat<Type> = { -readonly [Name in keyof Type]: Type[Name] };
