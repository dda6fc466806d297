// Tells Thread Sanitizer what Swift's reference counts do where it can't see it, in libswiftCore: who reads a copy of an
// array or a dictionary is done with it before it lets go of its buffer, and who finds the buffer to be its own alone
// changes it after that. Without this every copy that was read outside the lock it was made in is called a race.
//
// To be preloaded. On x86-64 and arm64 Linux these are plain C functions.
#define _GNU_SOURCE
#include <dlfcn.h>
#include <stdbool.h>
#include <stdint.h>

extern void __tsan_acquire(void *) __attribute__((weak));
extern void __tsan_release(void *) __attribute__((weak));

#define NEXT(name, type) \
    static __typeof__(type) next; \
    if (!next) next = (__typeof__(type))dlsym(RTLD_NEXT, name)

static void done(void *object) {
    if (object && __tsan_release) __tsan_release(object);
}

static bool alone(const void *object, bool isAlone) {
    if (isAlone && object && __tsan_acquire) __tsan_acquire((void *)object);
    return isAlone;
}

// A string's, with flags in the highest bits where it is not counted.
static void *counted(uintptr_t reference) {
    return reference >> 56 ? 0 : (void *)(reference & ~(uintptr_t)7);
}

void swift_release(void *object) {
    NEXT("swift_release", void (*)(void *));
    done(object);
    next(object);
}

void swift_release_n(void *object, uint32_t count) {
    NEXT("swift_release_n", void (*)(void *, uint32_t));
    done(object);
    next(object, count);
}

void swift_bridgeObjectRelease(void *object) {
    NEXT("swift_bridgeObjectRelease", void (*)(void *));
    done(counted((uintptr_t)object));
    next(object);
}

void swift_bridgeObjectRelease_n(void *object, int count) {
    NEXT("swift_bridgeObjectRelease_n", void (*)(void *, int));
    done(counted((uintptr_t)object));
    next(object, count);
}

bool swift_isUniquelyReferenced_native(const void *object) {
    NEXT("swift_isUniquelyReferenced_native", bool (*)(const void *));
    return alone(object, next(object));
}

bool swift_isUniquelyReferenced_nonNull_native(const void *object) {
    NEXT("swift_isUniquelyReferenced_nonNull_native", bool (*)(const void *));
    return alone(object, next(object));
}
