/** A piece of text, and whether it is one character that does not show or turns others around. */
export interface Piece {
  readonly text: string;
  readonly control: boolean;
}

// Controls, zero-width characters, and what steers the direction of text.
const controls = /[\u0000-\u001f\u007f-\u009f\u061c\u200b-\u200f\u2028-\u202e\u2060-\u2069\ufeff]/;
const apart = new RegExp(`(${controls.source})`);

/** Splits text at characters that do not show. Put together again, the pieces are the text. */
export function pieces(text: string): Piece[] {
  if (!controls.test(text)) return [{ text, control: false }];
  return text
    .split(apart)
    .filter((piece) => piece !== '')
    .map((piece) => ({ text: piece, control: controls.test(piece) }));
}

/** "U+202E". */
export function codePoint(character: string): string {
  return `U+${character.charCodeAt(0).toString(16).toUpperCase().padStart(4, '0')}`;
}
