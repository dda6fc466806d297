import Testing

/// The built program, mounted for real, with real writers and a real server. One after another: they
/// share the machine's two cores, and some measure what they see.
@Suite(.serialized) enum EndToEnd {}
