// A property whose value is worked out when somebody reads it. The accessors are the same functions for all objects: with functions of its own
// each object would get a hidden class of its own, and whoever reads its other properties would pay for that.

/** Defines the property; `valueOf` is called once, when it is read first, and again when it threw or the object is frozen. */
export type DefineLate = (target: object, valueOf: () => unknown) => void;

export function latePropertyOf(name: string): DefineLate {
  const source = Symbol(name);
  type Target = { [source]: () => unknown };
  const settled = (value: unknown): PropertyDescriptor => ({ configurable: true, enumerable: true, writable: true, value });
  const accessors = {
    configurable: true,
    enumerable: true,
    get(this: Target): unknown {
      const value = this[source]();
      // Object.defineProperty would throw where the object was frozen meanwhile.
      Reflect.defineProperty(this, name, settled(value));
      return value;
    },
    set(this: Target, value: unknown): void {
      Object.defineProperty(this, name, settled(value));
    },
  };
  return (target, valueOf) => {
    Object.defineProperty(target, source, { value: valueOf });
    Object.defineProperty(target, name, accessors);
  };
}
