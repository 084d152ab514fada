const UUID = /^[\da-f]{8}(-?)[\da-f]{4}\1[\da-f]{4}\1[\da-f]{4}\1[\da-f]{12}$/i;
const ALPHABET = '0123456789ABCDEFGHJKMNPQRSTVWXYZ';

const bytes = (text: string) => new TextEncoder().encode(text);
const digest = async (data: BufferSource) => new Uint8Array(await crypto.subtle.digest('SHA-256', data));

/** The support code of a session id, as every other part of journeytrace derives it (docs/wire.md). */
export const supportCode = async (id: string): Promise<string> => {
  const trace = UUID.test(id)
    ? id.replace(/-/g, '').match(/../g)!.map((byte) => parseInt(byte, 16))
    : (await digest(bytes('journey.trace:' + id))).slice(0, 16);
  const found = await digest(Uint8Array.of(...bytes('journey.support:'), ...trace));
  const number = found.slice(0, 5).reduce((sum, byte) => sum * 256 + byte, 0);
  return number.toString(32).padStart(8, '0').replace(/./g, (digit) => ALPHABET[parseInt(digit, 32)]!);
};
