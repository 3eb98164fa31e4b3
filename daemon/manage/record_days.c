/* SPDX-License-Identifier: Apache-2.0 */
#include "daemon/manage/record_days.h"

#define DAY INT64_C(86400)

static void put_int(struct call *call, const char *name, int64_t value)
{
	wire_put_cstr(call->out, name);
	wire_put_int(call->out, value);
}

uint32_t record_days(struct call *call, const struct store_days *days)
{
	size_t before = call->out->len, at;
	uint32_t count = 0;

	wire_put_cstr(call->out, "days");
	at = wire_open_array(call->out);
	for (uint32_t age = STORE_DAYS; age-- > 0;) {
		if (days->uses[age] == 0) {
			continue;
		}
		wire_put_map(call->out, 3);
		put_int(call, "day", ((int64_t)days->newest - age) * DAY);
		put_int(call, "uses", (int64_t)days->uses[age]);
		put_int(call, "denials", (int64_t)days->denials[age]);
		count++;
	}
	if (count == 0) {
		wire_buf_rewind(call->out, before);
		return 0;
	}
	wire_close_array(call->out, at, count);
	return 1;
}
