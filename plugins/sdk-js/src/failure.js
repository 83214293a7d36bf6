/** The contract's numbers of the failure classes. */
const CLASSES = ["rejected", "malformed", "unaddressable", "transient"];

/** Why a record can't become events. Throw it. */
export class Failure extends Error {
  constructor(failureClass, message) {
    super(message);
    this.name = "Failure";
    this.class = failureClass;
  }

  static rejected(message) {
    return new Failure("rejected", message);
  }

  static malformed(message) {
    return new Failure("malformed", message);
  }

  static unaddressable(message) {
    return new Failure("unaddressable", message);
  }

  static transient(message) {
    return new Failure("transient", message);
  }
}

/** A route's refusal: the event's whole record fails as `unroutable`. Throw it. */
export function refuse(message) {
  return new Failure("unroutable", message);
}

/** The contract's number of a failure's class; an unknown class is the author's error. */
export function classNumber(failure) {
  const number = CLASSES.indexOf(failure.class);
  if (number < 0) throw new TypeError(`a transform's failure can't have the class \`${failure.class}\`: use ${CLASSES.join(", ")}`);
  return number;
}
