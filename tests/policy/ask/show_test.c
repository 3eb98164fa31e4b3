/* SPDX-License-Identifier: Apache-2.0 */
#include "policy/ask/show.h"

#include "tests/policy/compiled_text.h"

static const char trees[] =
	"tree api {\n"
	"  /loans { list GET, create POST\n"
	"    /{loan} { read GET, update PUT PATCH, /notes { GET, POST, /{note} { GET } } } }\n"
	"}\n"
	"tree ui { /page \"A page\" { view \"See it\", edit } }\n"
	"role page { allow view on ui:/page\n deny edit on ui:/page }\n";

struct list {
	char said[4096];
	size_t used;
	size_t stop_after;
	size_t count;
};

static bool collect_shown(void *context, const struct pol_shown *shown)
{
	struct list *list = context;

	list->used += (size_t)snprintf(list->said + list->used, sizeof list->said - list->used,
		"%u %.*s %.*s '%.*s':", shown->depth, POL_STR_ARGS(shown->segment),
		POL_STR_ARGS(shown->resource), POL_STR_ARGS(shown->description));
	for (size_t i = 0; i < shown->action_count; i++) {
		list->used +=
			(size_t)snprintf(list->said + list->used, sizeof list->said - list->used,
				" %.*s(%.*s)%s%s%s", POL_STR_ARGS(shown->actions[i].name),
				POL_STR_ARGS(shown->actions[i].methods),
				shown->actions[i].marks.allowed ? "+" : "",
				shown->actions[i].marks.partly ? "~" : "",
				shown->actions[i].marks.denied ? "-" : "");
	}
	list->used +=
		(size_t)snprintf(list->said + list->used, sizeof list->said - list->used, "\n");
	return ++list->count != list->stop_after;
}

Test(show, a_role_is_shown_with_what_anyone_holds)
{
	struct pol_snapshot *snapshot = compiled_text_good(
		"tree t { /a { GET, PUT, POST, both HEAD DELETE, view } }\n"
		"role r { allow PUT, POST, HEAD on t:/a }\n"
		"role anyone {\nallow GET, DELETE on t:/a\ndeny POST on t:/a\n}\n");
	const struct pol_show_holder holder = { .number =
							pol_snapshot_role(snapshot, POL_STR("r")) };
	struct list list = { .used = 0 };

	cr_assert_eq(pol_show(snapshot, POL_STR("t"), &holder, collect_shown, &list), POL_OK);
	cr_expect_str_eq(list.said,
		"0 t t:/ '':\n"
		"1 a t:/a '': GET()+ PUT()+ POST()- both(HEAD DELETE)+ view()\n",
		"%s", list.said);
	pol_snapshot_unref(snapshot);
}

Test(show, a_tree_is_shown_node_by_node_with_a_roles_marks)
{
	struct pol_snapshot *snapshot = compiled_text_good(trees);
	const struct pol_show_holder page = { .number = pol_snapshot_role(
						      snapshot, POL_STR("page")) };
	const struct pol_show_holder unknown = { .number = 99 };
	struct list list = { .used = 0 };

	cr_assert_eq(pol_show(snapshot, POL_STR("ui"), &page, collect_shown, &list), POL_OK);
	cr_expect_str_eq(list.said, "0 ui ui:/ '':\n1 page ui:/page 'A page': view()+ edit()-\n",
		"%s", list.said);
	list = (struct list){ .stop_after = 4 };
	cr_assert_eq(pol_show(snapshot, POL_STR(""), NULL, collect_shown, &list), POL_OK);
	cr_expect_str_eq(list.said,
		"0 api api:/ '':\n"
		"1 loans api:/loans '': list(GET) create(POST)\n"
		"2 {loan} api:/loans/{loan} '': read(GET) update(PUT PATCH)\n"
		"3 notes api:/loans/{loan}/notes '': GET() POST()\n",
		"%s", list.said);
	cr_expect_eq(pol_show(snapshot, POL_STR("x"), NULL, collect_shown, &list), POL_EINVALID);
	cr_expect_eq(pol_show(snapshot, POL_STR(""), &unknown, collect_shown, &list), POL_EINVALID);
	pol_snapshot_unref(snapshot);
}

Test(show, a_scope_is_shown_and_an_action_of_which_only_some_methods_are_allowed)
{
	struct pol_snapshot *snapshot = compiled_text_good(
		"tree t { /a { update PUT PATCH, remove DELETE POST\n GET } }\n"
		"scope s { allow PUT on t:/a\n allow remove on t:/a\n deny POST on t:/a }\n");
	const struct pol_show_holder holder = { .scope = true,
		.number = pol_snapshot_scope(snapshot, POL_STR("s")) };
	struct list list = { .used = 0 };

	cr_assert_eq(pol_show(snapshot, POL_STR("t"), &holder, collect_shown, &list), POL_OK);
	cr_expect_str_eq(list.said,
		"0 t t:/ '':\n1 a t:/a '': update(PUT PATCH)~ remove(DELETE POST)~- GET()\n", "%s",
		list.said);
	pol_snapshot_unref(snapshot);
}
