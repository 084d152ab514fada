import { utf8 } from './token.js';
import type { Session } from './types.js';

const UUID = /^[\da-f]{8}(-?)([\da-f]{4}\1){3}[\da-f]{12}$/i;
const ALPHABET = '0123456789ABCDEFGHJKMNPQRSTVWXYZ';

const sha256 = (...bytes: number[]) => crypto.subtle.digest('SHA-256', Uint8Array.from(bytes));

/** The support code of a session, as every other part of journeytrace derives it (docs/wire.md). */
export const supportCode = async (session: Promise<Session>): Promise<string> => {
  const { id } = await session;
  const trace = UUID.test(id)
    ? id.replace(/-/g, '').match(/../g)!.map((byte) => parseInt(byte, 16))
    : new Uint8Array(await sha256(...utf8('journey.trace:' + id)), 0, 16);
  const hash = new DataView(await sha256(...utf8('journey.support:'), ...trace));
  // Its first five bytes, five bits a letter.
  const digits = (hash.getBigUint64(0) >> 24n).toString(32).padStart(8, '0');
  return digits.replace(/./g, (digit) => ALPHABET[parseInt(digit, 32)]!);
};
