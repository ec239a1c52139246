// Functions of the program that uses a client, called in the midst of the client's own work.

/** What the function throws is its program's affair, and reaches it as any uncaught exception does; the connection goes on. */
export function guarded<Told extends readonly unknown[]>(callback: (...told: Told) => void): (...told: Told) => void {
  return (...told) => {
    try {
      callback(...told);
    } catch (error) {
      process.nextTick(() => {
        throw error;
      });
    }
  };
}
