/* SPDX-License-Identifier: Apache-2.0 */
#include "daemon/load/plugin.h"

#include <assert.h>
#include <dlfcn.h>
#include <errno.h>
#include <fcntl.h>
#include <link.h>
#include <pthread.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include "daemon/load/plugin_elf.h"
#include "policy/decide/registry.h"
#include "policy/snapshot/module.h"
#include "policy/snapshot/revision.h"

static_assert(PLUGIN_WHY <= POL_HOST_WHY, "a plugin's message fits the host's");

/* One shared object that is mapped. */
struct plugin {
	struct plugin *next; /* in plugins.first */
	struct plugins *plugins;
	size_t references;
	char *name;
	struct beneath_stat stat; /* of its file */
	uint64_t hash;
	/* A memfd, open while the object is mapped. dlopen(3) gets /proc/self/fd/NUMBER and returns
	 * an object that it has already under the same path. */
	int memory;
	void *library;
	const struct pol_module *table;
};

struct plugins {
	pthread_mutex_t lock; /* of the list, and of the references */
	struct plugin *first;
};

int plugins_create(struct plugins **out)
{
	struct plugins *plugins = calloc(1, sizeof *plugins);
	int r = plugins != NULL ? -pthread_mutex_init(&plugins->lock, NULL) : -ENOMEM;

	if (r < 0) {
		free(plugins);
		return r;
	}
	*out = plugins;
	return 0;
}

void plugins_destroy(struct plugins *plugins)
{
	if (plugins == NULL) {
		return;
	}
	assert(plugins->first == NULL);
	pthread_mutex_destroy(&plugins->lock);
	free(plugins);
}

static void destroy(struct plugin *plugin)
{
	if (plugin == NULL) {
		return;
	}
	if (plugin->library != NULL) {
		dlclose(plugin->library);
	}
	if (plugin->memory >= 0) {
		close(plugin->memory);
	}
	free(plugin->name);
	free(plugin);
}

static void on_release(void *handle)
{
	struct plugin *plugin = handle;
	struct plugins *plugins = plugin->plugins;
	struct plugin **link = &plugins->first;

	pthread_mutex_lock(&plugins->lock);
	if (--plugin->references > 0) {
		plugin = NULL;
	} else {
		while (*link != plugin) {
			link = &(*link)->next;
		}
		*link = plugin->next;
	}
	pthread_mutex_unlock(&plugins->lock);
	destroy(plugin);
}

/* Takes a reference; NULL: this file is not loaded. */
static struct plugin *find_loaded(struct plugins *plugins, const struct plugin_file *file)
{
	struct plugin *plugin;

	pthread_mutex_lock(&plugins->lock);
	plugin = plugins->first;
	while (plugin != NULL && (strcmp(plugin->name, file->name) != 0 ||
					 !beneath_stat_equal(&plugin->stat, &file->stat))) {
		plugin = plugin->next;
	}
	if (plugin != NULL) {
		plugin->references++;
	}
	pthread_mutex_unlock(&plugins->lock);
	return plugin;
}

static void add(struct plugins *plugins, struct plugin *plugin)
{
	pthread_mutex_lock(&plugins->lock);
	plugin->references = 1;
	plugin->next = plugins->first;
	plugins->first = plugin;
	pthread_mutex_unlock(&plugins->lock);
}

/* --- loading ---------------------------------------------------------------------------------- */

struct loading {
	const struct plugin_folder *folder;
	const struct plugin_file *file;
	struct pol_str name;
	char *why;
};

/* Copies the bytes into a memfd and seals it against writes. 0 or a negative errno. */
static int seal(const char *name, struct pol_str bytes, struct plugin *plugin)
{
	ssize_t n;

	plugin->memory = memfd_create(name, MFD_CLOEXEC | MFD_ALLOW_SEALING);
	if (plugin->memory < 0) {
		return -errno;
	}
	n = write(plugin->memory, bytes.ptr, bytes.len);
	if (n < 0 || (size_t)n != bytes.len) {
		return n < 0 ? -errno : -EIO;
	}
	return fcntl(plugin->memory, F_ADD_SEALS,
		       F_SEAL_SEAL | F_SEAL_SHRINK | F_SEAL_GROW | F_SEAL_WRITE) == 0
		       ? 0
		       : -errno;
}

static int copy(const struct loading *loading, struct plugin *plugin)
{
	const struct plugin_file *file = loading->file;
	size_t size = (size_t)file->stat.size;
	const char *writes;
	char *bytes;
	int fd, r;

	if (size > PLUGIN_MAX_CODE) {
		snprintf(loading->why, PLUGIN_WHY, "%.200s/%.100s is larger than 32 MiB",
			loading->folder->path, file->name);
		return -EFBIG;
	}
	fd = plugin_folder_open(loading->folder, file, loading->why);
	if (fd < 0) {
		return fd;
	}
	bytes = malloc(size + 1);
	r = bytes != NULL ? beneath_read(fd, bytes, size) : -ENOMEM;
	if (r == 0 && !plugin_folder_is_unchanged(file, fd)) {
		r = -ESTALE;
	}
	close(fd);
	writes = r == 0 ? plugin_elf_writes_code((struct pol_str){ bytes, size }) : NULL;
	if (writes != NULL) {
		free(bytes);
		snprintf(loading->why, PLUGIN_WHY, "%.200s/%.100s cannot be opened: %s",
			loading->folder->path, file->name, writes);
		return -EINVAL;
	}
	if (r == 0 && !plugin_elf_is_whole((struct pol_str){ bytes, size })) {
		free(bytes);
		snprintf(loading->why, PLUGIN_WHY,
			"%.200s/%.100s cannot be opened: it is cut: copy it whole, beside the old "
			"one, and rename it",
			loading->folder->path, file->name);
		return -EINVAL;
	}
	if (r == 0) {
		plugin->hash = pol_revision_hash64((struct pol_str){ bytes, size }, 0);
		r = seal(file->name, (struct pol_str){ bytes, size }, plugin);
	}
	free(bytes);
	if (r < 0) {
		snprintf(loading->why, PLUGIN_WHY, "%.200s/%.100s cannot be read: %s",
			loading->folder->path, file->name, strerror(-r));
	}
	return r;
}

/* dlerror(3)'s text without the path of the memfd, which would mean nothing to a reader. */
static const char *loader_error(const char *path)
{
	const char *text = dlerror();
	size_t len = strlen(path);

	if (text == NULL) {
		return "unknown error";
	}
	return strncmp(text, path, len) == 0 && strncmp(text + len, ": ", 2) == 0 ? text + len + 2
										  : text;
}

/* The symbol's size, from the object's symbol table; 0: unknown. */
static size_t size_of(const void *symbol)
{
	const ElfW(Sym) *found = NULL;
	void *extra = NULL;
	Dl_info info;

	if (dladdr1(symbol, &info, &extra, RTLD_DL_SYMENT) == 0 || info.dli_saddr != symbol) {
		return 0;
	}
	found = extra;
	return found != NULL ? found->st_size : 0;
}

/* Writes a message that begins with the file, and returns false. */
__attribute__((format(printf, 2, 3))) static bool refuse(
	const struct loading *loading, const char *format, ...)
{
	char text[PLUGIN_WHY];
	va_list args;

	va_start(args, format);
	vsnprintf(text, sizeof text, format, args);
	va_end(args);
	snprintf(loading->why, PLUGIN_WHY, "%.200s/%.100s %.200s", loading->folder->path,
		loading->file->name, text);
	return false;
}

static bool check_table(const struct loading *loading, struct plugin *plugin)
{
	char fault[POL_MODULE_WHY];
	size_t size;

	plugin->table = dlsym(plugin->library, "authz_module");
	if (plugin->table == NULL) {
		return refuse(loading, "exports no symbol 'authz_module': define 'const struct "
				       "pol_module authz_module' after #include <authz/module.h>");
	}
	size = size_of(plugin->table);
	/* The size is checked before a field is read; every version begins with the same two. */
	if (size < 2 * sizeof(uint32_t) ||
		(plugin->table->abi == POL_MODULE_ABI && size < sizeof *plugin->table)) {
		return refuse(loading,
			"exports an 'authz_module' of %zu bytes, and a struct pol_module has %zu",
			size, sizeof *plugin->table);
	}
	if (!pol_registry_fits(plugin->table, loading->name, fault)) {
		return refuse(loading, "is not a module for this authzd: %s", fault);
	}
	if (pol_registry_find(loading->name) != NULL) {
		return refuse(loading, "is a second module of that name, beside the built-in one: "
				       "rename or remove it");
	}
	return true;
}

static enum pol_status load(const struct loading *loading, struct plugin *plugin)
{
	char path[sizeof "/proc/self/fd/" + 3 * sizeof(int)];
	int r = copy(loading, plugin);

	if (r < 0) {
		return r == -ENOMEM ? POL_ENOMEM : POL_EINVALID;
	}
	snprintf(path, sizeof path, "/proc/self/fd/%d", plugin->memory);
	plugin->library = dlopen(path, RTLD_NOW | RTLD_LOCAL);
	if (plugin->library == NULL) {
		refuse(loading, "cannot be opened: %s", loader_error(path));
		return POL_EINVALID;
	}
	return check_table(loading, plugin) ? POL_OK : POL_EINVALID;
}

/* NULL: there is none, `why` says so. */
static struct plugin_file *find_file(
	const struct plugin_folder *folder, const char *name, char why[POL_HOST_WHY])
{
	struct plugin_file *file;

	if (folder == NULL) {
		snprintf(why, POL_HOST_WHY, "no module folder is named");
		return NULL;
	}
	file = plugin_folder_find(folder, pol_str_of(name));
	if (file == NULL) {
		snprintf(why, POL_HOST_WHY, "%s has no %s", folder->path, name);
	}
	return file;
}

enum pol_status plugin_find(struct plugins *plugins, struct plugin_folder *folder,
	struct pol_str name, struct pol_host_module *out, char why[POL_HOST_WHY])
{
	char file_name[256];
	struct plugin_file *file;
	struct plugin *plugin;
	enum pol_status status = POL_OK;

	snprintf(file_name, sizeof file_name, "%.*s.so", POL_STR_ARGS(name));
	file = find_file(folder, file_name, why);
	if (file == NULL) {
		return POL_ENOTFOUND;
	}
	plugin = find_loaded(plugins, file);
	if (plugin == NULL) {
		const struct loading loading = { folder, file, name, why };

		plugin = calloc(1, sizeof *plugin);
		if (plugin == NULL) {
			return POL_ENOMEM;
		}
		plugin->memory = -1;
		plugin->plugins = plugins;
		plugin->stat = file->stat;
		plugin->name = strdup(file->name);
		status = plugin->name != NULL ? load(&loading, plugin) : POL_ENOMEM;
		if (status != POL_OK) {
			destroy(plugin);
			return status;
		}
		add(plugins, plugin);
	}
	*out = (struct pol_host_module){ .table = plugin->table,
		.hash = plugin->hash,
		.release = on_release,
		.handle = plugin };
	return POL_OK;
}

enum pol_status plugin_data(struct plugin_folder *folder, struct pol_str name, struct pol_str *out,
	char why[POL_HOST_WHY])
{
	char file_name[256];
	struct plugin_file *file;
	int r;

	snprintf(file_name, sizeof file_name, "data/%.*s", POL_STR_ARGS(name));
	file = find_file(folder, file_name, why);
	if (file == NULL) {
		return POL_ENOTFOUND;
	}
	r = plugin_folder_read(folder, file, out, why);
	if (r == 0) {
		return POL_OK;
	}
	return r == -ENOMEM ? POL_ENOMEM : r == -EFBIG ? POL_ELIMIT : POL_EINVALID;
}
