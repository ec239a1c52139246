// Mutations of byte strings, weighted towards what hurts decoders of lengths and varints.

/** Bytes that mean something to frames, varints and text. */
const SPECIAL = [0x00, 0x01, 0x7f, 0x80, 0xff, 0x0d, 0x0a, 0x30, 0x39, 0x2d, 0x08, 0x12, 0x0b, 0x0c, 0xc3];
const LONGEST = 4096;

/** A changed copy of a seed; may splice in a piece of another one. */
export function mutate(seed: Uint8Array, other: Uint8Array, random: (below: number) => number): Uint8Array {
  let bytes = Array.from(seed.subarray(0, LONGEST));
  for (let count = 1 + random(4); count > 0; count--) {
    const at = random(bytes.length + 1);
    switch (random(8)) {
      case 0: bytes[at] = (bytes[at] ?? 0) ^ (1 << random(8)); break;
      case 1: bytes[at] = SPECIAL[random(SPECIAL.length)] as number; break;
      case 2: bytes.splice(at, 0, SPECIAL[random(SPECIAL.length)] as number); break;
      case 3: bytes.splice(at, 1 + random(8)); break;
      case 4: bytes = bytes.slice(0, at); break;
      case 5: bytes.splice(at, 0, ...bytes.slice(at, at + random(64))); break;
      case 6: bytes.splice(at, random(16), ...other.subarray(random(other.length + 1)).subarray(0, 64)); break;
      case 7: bytes[at] = ((bytes[at] ?? 0) + 1 + random(3)) & 0xff; break;
    }
  }
  return Uint8Array.from(bytes.slice(0, LONGEST));
}
