/**
 * An archive in cpio's "newc" format, as the kernel takes it for its initial RAM file system
 * (Documentation/driver-api/early-userspace/buffer-format.rst in its sources). Everything belongs to root.
 */

const DIRECTORY_MODE = 0o040755;
const FILE_MODE = 0o100755;
const ALIGNMENT = 4;

/** @typedef {{ name: string, content?: Buffer }} Entry name: without a leading slash; no content: a directory */

/** @param {Buffer} bytes */
function aligned(bytes) {
  return Buffer.concat([bytes, Buffer.alloc((ALIGNMENT - (bytes.length % ALIGNMENT)) % ALIGNMENT)]);
}

/**
 * @param {Entry} entry
 * @param {number} inode
 */
function pack({ name, content }, inode) {
  const size = content?.length ?? 0;
  const fields = [inode, content ? FILE_MODE : DIRECTORY_MODE, 0, 0, 1, 0, size, 0, 0, 0, 0, name.length + 1, 0];
  const header = `070701${fields.map((field) => field.toString(16).padStart(8, '0')).join('')}${name}\0`;
  return Buffer.concat([aligned(Buffer.from(header, 'latin1')), aligned(content ?? Buffer.alloc(0))]);
}

/**
 * @param {readonly Entry[]} entries directories before what is in them
 * @returns {Buffer}
 */
export function packArchive(entries) {
  return Buffer.concat([...entries.map((entry, index) => pack(entry, index + 1)), pack({ name: 'TRAILER!!!', content: Buffer.alloc(0) }, 0)]);
}
