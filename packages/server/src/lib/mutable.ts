/** The same object while it is being put together. */
export type Mutable<Value> = { -readonly [Name in keyof Value]: Value[Name] };
