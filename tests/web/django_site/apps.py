from django.apps import AppConfig


class Site(AppConfig):
    name = "tests.web.django_site"
    label = "site"
