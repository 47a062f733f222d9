// Preloaded: the disk under the server fails on command.
//
//   FAULT   a file; while it is there, the operation that it names (`write` or `fdatasync`) fails with EIO
//   QUOTA   a file; while it is there, only so many bytes as it says can still be written. As on a real disk, the last
//           write may be a short one, and what is removed or cut off makes room again.

import fs from 'node:fs';

const { FAULT, QUOTA } = process.env;
let free = null;

const failure = (code) => Object.assign(new Error(`${code}: as asked`), { code });
const faulty = () => (fs.existsSync(FAULT) ? fs.readFileSync(FAULT, 'utf8') : '');

function spaceLeft() {
  if (!fs.existsSync(QUOTA)) free = null;
  else free ??= Number(fs.readFileSync(QUOTA, 'utf8'));
  return free ?? Infinity;
}

function give(bytes) {
  if (spaceLeft() !== Infinity) free += bytes;
}

const { write, fdatasync, unlink, ftruncate } = fs;

fs.write = (descriptor, bytes, offset, length, position, done) => {
  if (faulty() === 'write') return setImmediate(done, failure('EIO'));
  const space = spaceLeft();
  if (space === 0) return setImmediate(done, failure('ENOSPC'));
  const taken = Math.min(length, space);
  give(-taken);
  write(descriptor, bytes, offset, taken, position, done);
};

fs.fdatasync = (descriptor, done) => {
  if (faulty() === 'fdatasync') setImmediate(done, failure('EIO'));
  else fdatasync(descriptor, done);
};

fs.unlink = (file, done) => {
  give(fs.statSync(file, { throwIfNoEntry: false })?.size ?? 0);
  unlink(file, done);
};

fs.ftruncate = (descriptor, length, done) => {
  give(fs.fstatSync(descriptor).size - length);
  ftruncate(descriptor, length, done);
};
