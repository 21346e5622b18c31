/* The bytes are data.pkl of a sound torch zip that has a small ResNet's storages: the pickle machine, state dicts,
 * module graphs and their attributes, without the sizes of a zip in the way. */
#include "fuzz.h"
#include "made.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
    static struct made_network network;
    if (network.count == 0) {
        network = made_resnet(false);
    }
    struct bytes file = made_zip_with(data, size, &network);
    fuzz_checkpoint(fuzz_file(file.at, file.size));
    bytes_clear(&file);
    return 0;
}
