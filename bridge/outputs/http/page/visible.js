// Text of others in one line: what would hide, reorder or pile up is shown as a mark. Pure.

const HIDDEN = /[\u0000-\u001f\u007f-\u009f\u00ad\u034f\u061c\u180e\u200b-\u200f\u2028-\u202e\u2060-\u206f\ufeff]|[\u{e0000}-\u{e007f}]/gu;
const PILED = /([\u0300-\u036f\u0483-\u0489\u1ab0-\u1aff\u1dc0-\u1dff\u20d0-\u20ff]{8})[\u0300-\u036f\u0483-\u0489\u1ab0-\u1aff\u1dc0-\u1dff\u20d0-\u20ff]+/g;

// Of a command, a path, a title, an output: every such sign becomes ‹U+202E›.
export function visible(text) {
  return text.replace(PILED, "$1").replace(HIDDEN, (sign) => `‹U+${sign.codePointAt(0).toString(16).toUpperCase().padStart(4, "0")}›`);
}

// Of prose: lines and directional text may stay, it is isolated where it stands; tags and the like go.
const HIDDEN_IN_PROSE = /[\u0000-\u0008\u000b-\u001f\u007f-\u009f\u202a-\u202e\u2066-\u2069\u180e\u2060-\u2064]|[\u{e0000}-\u{e007f}]/gu;

export const visibleProse = (text) =>
  text.replace(PILED, "$1").replace(HIDDEN_IN_PROSE, (sign) => `‹U+${sign.codePointAt(0).toString(16).toUpperCase().padStart(4, "0")}›`);
