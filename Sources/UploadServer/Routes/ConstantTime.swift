/// Whether two secrets are equal, in a time that does not tell where they first differ. It takes as long as
/// `given` is, so it tells nothing of the length of `secret` either.
func isEqualInConstantTime(_ given: String, _ secret: String) -> Bool {
    let given = Array(given.utf8)
    let secret = Array(secret.utf8)
    guard !secret.isEmpty else { return given.isEmpty }
    var difference = given.count ^ secret.count
    for (position, byte) in given.enumerated() {
        difference |= Int(byte ^ secret[position % secret.count])
    }
    return difference == 0
}
