import { isDigit, LOWER_E, MINUS, PLUS, POINT, UPPER_E, ZERO } from './json-bytes.ts';

/*
 * The automaton of a JSON number (RFC 8259, section 6). States in [ ] may be the last one.
 *
 *   MINUS ──0──► [ZERO] ───────.──► POINT ──digit──► [FRACTION] ──e──► EXPONENT ──±──► SIGN
 *     └──1-9──► [INTEGER] ─────┘                                          └─digit─► [DIGITS] ◄─digit─┘
 */
const NUMBER_MINUS = 10;
const NUMBER_POINT = 11;
const NUMBER_EXPONENT = 12;
const NUMBER_EXPONENT_SIGN = 13;
/** From here on a number may end. */
export const NUMBER_ENDS = 14;
/** In the states after this one any number of digits may follow. */
export const NUMBER_ZERO = 14;
const NUMBER_INTEGER = 15;
const NUMBER_FRACTION = 16;
const NUMBER_EXPONENT_DIGITS = 17;
/** Not a state: no number goes on with this byte. */
export const NO_NUMBER = -2;

export function firstNumberState(byte: number): number {
  if (byte === MINUS) return NUMBER_MINUS;
  return nextNumberState(NUMBER_MINUS, byte);
}

/** @returns {@link NO_NUMBER} when this byte cannot follow */
export function nextNumberState(state: number, byte: number): number {
  const digit = isDigit(byte);
  const exponent = byte === LOWER_E || byte === UPPER_E;
  switch (state) {
    case NUMBER_MINUS:
      return byte === ZERO ? NUMBER_ZERO : digit ? NUMBER_INTEGER : NO_NUMBER;
    case NUMBER_ZERO:
      return byte === POINT ? NUMBER_POINT : exponent ? NUMBER_EXPONENT : NO_NUMBER;
    case NUMBER_INTEGER:
      return digit ? NUMBER_INTEGER : byte === POINT ? NUMBER_POINT : exponent ? NUMBER_EXPONENT : NO_NUMBER;
    case NUMBER_POINT:
      return digit ? NUMBER_FRACTION : NO_NUMBER;
    case NUMBER_FRACTION:
      return digit ? NUMBER_FRACTION : exponent ? NUMBER_EXPONENT : NO_NUMBER;
    case NUMBER_EXPONENT:
      return digit ? NUMBER_EXPONENT_DIGITS : byte === PLUS || byte === MINUS ? NUMBER_EXPONENT_SIGN : NO_NUMBER;
    default:
      return digit ? NUMBER_EXPONENT_DIGITS : NO_NUMBER;
  }
}

export function isNumberByte(byte: number): boolean {
  return isDigit(byte) || byte === POINT || byte === PLUS || byte === MINUS || byte === LOWER_E || byte === UPPER_E;
}
